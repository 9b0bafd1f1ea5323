/** A text token by token: each coloured by how likely the model found it, with what else it might have been. */
import { type KeyboardEvent, memo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { classNames } from '../ui/class-names.ts';
import type { ScoredToken } from './run.ts';

/** From this probability up. Unlikely tokens are also underlined: colour alone tells not everybody. */
const shades = [
  { from: 0.9, className: 'bg-accent-soft' },
  { from: 0.5, className: 'bg-accent-soft/50' },
  { from: 0.2, className: '' },
  { from: 0.05, className: 'bg-amber-soft underline decoration-amber decoration-dotted underline-offset-4' },
  { from: 0, className: 'bg-danger-soft underline decoration-danger decoration-wavy underline-offset-4' },
] as const;

export function TokenView({ tokens }: { tokens: ScoredToken[] }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<number | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const shown = chosen === null ? undefined : tokens[chosen];

  /** One stop for the tab key; arrows walk from token to token. */
  function walk(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = Math.min(Math.max((chosen ?? 0) + step, 0), tokens.length - 1);
    list.current?.querySelectorAll<HTMLElement>('[role=option]')[to]?.focus();
  }

  return (
    <div className="flex flex-col gap-4">
      <div
        ref={list}
        role="listbox"
        aria-orientation="horizontal"
        tabIndex={-1}
        aria-label={t('playground.tokens')}
        onKeyDown={walk}
        className="leading-8 wrap-anywhere whitespace-pre-wrap"
      >
        {tokens.map((token, index) => (
          <Token
            key={index}
            token={token}
            index={index}
            chosen={index === chosen}
            reachable={index === (chosen ?? 0)}
            onChoose={setChosen}
          />
        ))}
      </div>
      <div className="min-h-56 rounded-xl border border-line bg-surface p-4 text-sm">
        {shown ? <Alternatives token={shown} /> : <p className="text-muted">{t('playground.tokenHint')}</p>}
      </div>
      <Legend />
    </div>
  );
}

interface TokenProps {
  token: ScoredToken;
  index: number;
  chosen: boolean;
  reachable: boolean;
  onChoose: (index: number) => void;
}

const Token = memo(function Token({ token, index, chosen, reachable, onChoose }: TokenProps) {
  const { t, i18n } = useTranslation();
  const percent = token.logProbability === null ? null : percentText(token.logProbability, i18n.language);
  const visible = visibleText(token.text);
  return (
    <span
      role="option"
      aria-selected={chosen}
      tabIndex={reachable ? 0 : -1}
      onFocus={() => onChoose(index)}
      onPointerEnter={() => onChoose(index)}
      aria-label={
        percent === null
          ? t('playground.tokenFirst', { token: visible })
          : t('playground.tokenLabel', { token: visible, percent })
      }
      className={classNames('rounded-xs outline-none', shadeOf(token), chosen && 'ring-2 ring-accent')}
    >
      {isBytes(token.text) ? visible : token.text.replaceAll('\n', '↵\n')}
    </span>
  );
});

function Alternatives({ token }: { token: ScoredToken }) {
  const { t, i18n } = useTranslation();
  if (token.logProbability === null) return <p className="text-muted">{t('playground.noScore')}</p>;
  const drawn = { text: token.text, logProbability: token.logProbability };
  const isAmong = token.alternatives.some(({ text }) => text === token.text);
  return (
    <table className="w-full border-separate border-spacing-y-1">
      <caption className="mb-1 text-left text-muted">{t('playground.alternatives')}</caption>
      <thead className="sr-only">
        <tr>
          <th>{t('playground.token')}</th>
          <th>{t('playground.probability')}</th>
          <th>{t('playground.logProbability')}</th>
        </tr>
      </thead>
      <tbody>
        {[...(isAmong ? [] : [drawn]), ...token.alternatives].map(({ text, logProbability }) => (
          <tr key={text} className={text === token.text ? 'font-semibold text-accent' : undefined}>
            <td className="max-w-24 truncate pr-3 sm:max-w-40 font-mono whitespace-pre">{visibleText(text)}</td>
            <td className="w-full">
              <span className="flex items-center gap-2">
                <svg
                  viewBox="0 0 100 4"
                  preserveAspectRatio="none"
                  className="h-2 w-0 grow rounded-full bg-bubble"
                  aria-hidden
                >
                  <rect width={Math.exp(logProbability) * 100} height="4" className="fill-accent" />
                </svg>
                <span className="w-16 shrink-0 text-right whitespace-nowrap tabular-nums">
                  {percentText(logProbability, i18n.language)}
                </span>
              </span>
            </td>
            <td className="pl-3 text-right text-muted tabular-nums">
              {logProbability.toFixed(2).replace('-0.00', '0.00')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Legend() {
  const { t } = useTranslation();
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted" aria-label={t('playground.legend')}>
      {shades.map(({ from, className }) => (
        <li key={from} className="flex items-center gap-1.5">
          <span className={classNames('rounded-xs border border-line px-1 text-ink', className)} aria-hidden>
            ab
          </span>
          {from === 0 ? t('playground.below', { percent: 5 }) : t('playground.from', { percent: from * 100 })}
        </li>
      ))}
    </ul>
  );
}

function shadeOf({ logProbability }: ScoredToken): string {
  if (logProbability === null) return '';
  return shades.find(({ from }) => Math.exp(logProbability) >= from)?.className ?? '';
}

function percentText(logProbability: number, language: string): string {
  const probability = Math.exp(logProbability);
  const percent = (value: number, digits: number) =>
    new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(value);
  if (probability < 0.0001) return `< ${percent(0.0001, 2)}`;
  return percent(probability, probability < 0.01 ? 2 : 1);
}

const isBytes = (text: string) => text.startsWith('bytes:');

/** Whitespace and parts of characters as signs that can be seen. */
function visibleText(text: string): string {
  if (isBytes(text)) return text.slice('bytes:'.length);
  return text.replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll(' ', '␣');
}
