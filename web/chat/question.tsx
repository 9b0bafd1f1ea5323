import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { classNames } from '../ui/class-names.ts';
import { languageOf } from './language-of.ts';

/** Longer questions (pasted text) are folded, so that they neither fill the page nor slow it down. */
const foldCharacters = 1_500;
const foldLines = 12;

export const Question = memo(function Question({ text }: { text: string }) {
  const { t } = useTranslation();
  const [unfolded, setUnfolded] = useState(false);
  const shown = unfolded ? text : foldedText(text);
  const foldable = foldedText(text) !== text;
  return (
    <article className="flex flex-col items-end">
      <h2 className="sr-only">{t('chat.you')}</h2>
      <div
        lang={languageOf(text)}
        className={classNames(
          'max-w-[85%] rounded-3xl rounded-br-lg bg-bubble px-4.5 py-2.5 leading-relaxed wrap-anywhere whitespace-pre-wrap',
          foldable && !unfolded && 'mask-b-from-60%',
        )}
      >
        {shown}
      </div>
      {foldable && (
        <button
          type="button"
          aria-expanded={unfolded}
          className="mt-1 rounded-lg px-2 py-1 text-sm text-muted hover:text-ink"
          onClick={() => setUnfolded(!unfolded)}
        >
          {unfolded ? t('chat.showLess') : t('chat.showMore')}
        </button>
      )}
    </article>
  );
});

function foldedText(text: string): string {
  const lines = text.split('\n', foldLines + 1);
  const fewLines = lines.length > foldLines ? lines.slice(0, foldLines).join('\n') : text;
  return fewLines.length > foldCharacters ? fewLines.slice(0, foldCharacters) : fewLines;
}
