/** Figures of models, named in the page's language where they are known. */
import type { Figures } from '@parley/contracts';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { shortNumber } from './curve.tsx';
import { fieldLabel } from './recipe-fields.ts';

const known = [
  'heldOutLoss',
  'baseHeldOutLoss',
  'winRate',
  'kl',
  'reward',
  'accuracy',
  'exactAnswers',
  'validationLoss',
  'bitsPerByte',
] as const;
const shares = ['winRate', 'accuracy', 'exactAnswers'];

/** 'win rate 62.5 %' and the like. */
export function figureTexts(t: TFunction, figures: Figures): string[] {
  return Object.entries(figures).map(([name, value]) => {
    const key = known.find((other) => other === name);
    const text = shares.includes(name) ? percent(value) : shortNumber(value);
    return `${key ? t(`labFigure.${key}`) : fieldLabel(name).toLowerCase()} ${text}`;
  });
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A line per model. */
export function FigureList({ figures }: { figures: Record<string, Figures> }) {
  const { t } = useTranslation();
  const lines = Object.entries(figures).filter(([, known]) => Object.keys(known).length > 0);
  if (lines.length === 0) return null;
  return (
    <ul className="mt-1 text-sm text-muted tabular-nums">
      {lines.map(([model, known]) => (
        <li key={model} className="wrap-anywhere">
          {model}: {figureTexts(t, known).join(' · ')}
        </li>
      ))}
    </ul>
  );
}
