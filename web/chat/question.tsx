import type { Message } from '@parley/contracts';
import { Pencil } from 'lucide-react';
import { type KeyboardEvent, memo, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { languageOf } from './language-of.ts';
import { QuestionFiles } from './message-files.tsx';
import { Versions } from './versions.tsx';

/** Longer questions (pasted text) are folded, so that they neither fill the page nor slow it down. */
const foldCharacters = 1_500;
const foldLines = 12;
const longestMessage = 32_000;

interface QuestionProps {
  message: Message;
  siblings: readonly string[];
  /** An answer of the conversation is being written. */
  busy: boolean;
  /** Asks the question anew in other words; what was said before stays as a version beside it. */
  onEdit: (message: Message, content: string) => void;
  onChoose: (parentId: string | null, id: string) => void;
}

export const Question = memo(function Question({ message, siblings, busy, onEdit, onChoose }: QuestionProps) {
  const { t } = useTranslation();
  const [editing, setEditing] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);

  function finish(content: string | null): void {
    setEditing(false);
    if (content !== null && content !== message.content) onEdit(message, content);
    else requestAnimationFrame(() => edit.current?.focus());
  }

  if (editing) return <EditField text={message.content} onFinish={finish} />;
  return (
    <article className="group/question flex flex-col items-end">
      <QuestionFiles files={message.files} />
      <Bubble text={message.content} />
      <div
        className={classNames(
          'mt-1 -mr-1.5 flex items-center gap-0.5 transition-opacity group-focus-within/question:opacity-100 group-hover/question:opacity-100',
          siblings.length < 2 && 'not-pointer-coarse:opacity-0',
        )}
      >
        <CopyButton label={t('answer.copy')} text={() => message.content} />
        <IconButton ref={edit} label={t('question.edit')} size="small" disabled={busy} onClick={() => setEditing(true)}>
          <Pencil size={16} aria-hidden />
        </IconButton>
        <Versions message={message} siblings={siblings} onChoose={onChoose} />
      </div>
    </article>
  );
});

/** A question on its way, before the server has stored it. */
export function UnsentQuestion({ text }: { text: string }) {
  return (
    <article className="flex flex-col items-end">
      <Bubble text={text} />
    </article>
  );
}

export function Bubble({ text }: { text: string }) {
  const { t } = useTranslation();
  const [unfolded, setUnfolded] = useState(false);
  const shown = unfolded ? text : foldedText(text);
  const foldable = foldedText(text) !== text;
  return (
    <>
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
    </>
  );
}

/** Enter sends, Escape gives it up (`onFinish(null)`), as everywhere. */
function EditField({ text, onFinish }: { text: string; onFinish: (content: string | null) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const [content, setContent] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  const trimmed = content.trim();
  const sendable = trimmed !== '' && trimmed.length <= longestMessage;

  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);

  function handleKey(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') onFinish(null);
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    if (sendable) onFinish(trimmed);
  }

  return (
    <form
      className="ml-auto w-full max-w-[85%] rounded-3xl bg-bubble p-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (sendable) onFinish(trimmed);
      }}
    >
      <label htmlFor={id} className="sr-only">
        {t('question.editLabel')}
      </label>
      <textarea
        ref={field}
        id={id}
        value={content}
        rows={Math.min(12, content.split('\n').length + Math.floor(content.length / 70))}
        onChange={(event) => setContent(event.target.value)}
        onKeyDown={handleKey}
        className="block w-full resize-y rounded-2xl bg-surface px-3.5 py-2 text-base leading-relaxed outline-none focus-visible:ring-2 focus-visible:ring-accent"
      />
      <div className="mt-2 flex items-center justify-end gap-2">
        <p className="grow px-1.5 text-xs leading-snug text-muted">{t('question.editHint')}</p>
        <Button shape="quiet" onClick={() => onFinish(null)}>
          {t('app.cancel')}
        </Button>
        <Button shape="primary" type="submit" disabled={!sendable}>
          {t('composer.send')}
        </Button>
      </div>
    </form>
  );
}

function foldedText(text: string): string {
  const lines = text.split('\n', foldLines + 1);
  const fewLines = lines.length > foldLines ? lines.slice(0, foldLines).join('\n') : text;
  return fewLines.length > foldCharacters ? fewLines.slice(0, foldCharacters) : fewLines;
}
