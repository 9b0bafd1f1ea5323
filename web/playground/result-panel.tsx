import { CornerLeftUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Checkbox } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { TokenView } from './token-view.tsx';
import type { Result } from './use-run.ts';

interface ResultPanelProps {
  result: Result;
  showTokens: boolean;
  onShowTokens: (show: boolean) => void;
  /** What `onTake` does, in a few words. */
  takeLabel: string;
  /** Makes the result part of the prompt. */
  onTake: () => void;
}

export function ResultPanel({ result, showTokens, onShowTokens, takeLabel, onTake }: ResultPanelProps) {
  const { t } = useTranslation();
  const { text, tokens, status, error } = result;
  return (
    <section aria-label={t('playground.result')} aria-busy={status === 'running'} className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 className="font-serif text-xl">{t('playground.result')}</h2>
        <Checkbox label={t('playground.showTokens')} checked={showTokens} onChange={onShowTokens} />
      </div>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {showTokens && tokens.length > 0 ? (
        <TokenView tokens={tokens} />
      ) : (
        <p className="min-h-8 leading-relaxed wrap-anywhere whitespace-pre-wrap">{text}</p>
      )}
      <Figures result={result} />
      {status !== 'running' && text !== '' && (
        <div className="flex items-center gap-2">
          <Button onClick={onTake}>
            <CornerLeftUp size={16} aria-hidden /> {takeLabel}
          </Button>
          <CopyButton label={t('answer.copy')} text={() => text} />
        </div>
      )}
    </section>
  );
}

/** How long it took, how much it was, and why it ended. */
function Figures({ result }: { result: Result }) {
  const { t, i18n } = useTranslation();
  const { status, finishReason, usage, firstTextAfter, lasted } = result;
  if (status === 'running') return null;
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 });
  const reason = status === 'stopped' ? 'stopped' : finishReason;
  // From the first text on: what comes before it is reading the prompt.
  const writing = lasted !== null && firstTextAfter !== null ? lasted - firstTextAfter : 0;
  const pace = usage && writing > 0 ? (usage.completion_tokens / writing) * 1000 : null;
  const figures = [
    reason && t(`playground.reason.${reason as 'stop'}`),
    usage && t('playground.tokensOf', { prompt: usage.prompt_tokens, completion: usage.completion_tokens }),
    firstTextAfter !== null && t('playground.firstText', { milliseconds: number.format(firstTextAfter) }),
    pace !== null && t('playground.pace', { pace: number.format(pace) }),
  ].filter(Boolean);
  return <p className="text-sm text-muted">{figures.join(' · ')}</p>;
}
