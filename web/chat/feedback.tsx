/**
 * Thumbs. A click is stored at once; the comment is an offer that may be ignored. A second click on the same
 * thumb opens it again, to change the comment or take the vote back.
 */
import type { Message, Feedback as StoredFeedback } from '@parley/contracts';
import { ThumbsDown, ThumbsUp } from 'lucide-react';
import { Popover } from 'radix-ui';
import { type RefObject, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeedback } from '../api/mutations.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { errorText } from './error-text.ts';

type Thumb = StoredFeedback['thumb'];

const icons = { up: ThumbsUp, down: ThumbsDown };

export function Feedback({ message }: { message: Message }) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const feedback = useFeedback(message);
  const [open, setOpen] = useState(false);
  const stored = message.feedback;
  const thumbs = useRef<HTMLSpanElement>(null);

  function vote(thumb: Thumb): void {
    // A comment explains the vote it was written for; it does not move to the opposite one.
    if (stored?.thumb !== thumb) feedback.mutate({ thumb, comment: '' });
    setOpen(true);
  }

  function save(comment: string): void {
    if (!stored) return;
    feedback.mutate({ thumb: stored.thumb, comment }, { onSuccess: () => announce(t('feedback.thanks')) });
    setOpen(false);
  }

  function remove(): void {
    feedback.mutate(null);
    setOpen(false);
  }

  return (
    <>
      <span ref={thumbs} className="flex gap-0.5">
        {(['up', 'down'] as const).map((thumb) => (
          <ThumbButton key={thumb} thumb={thumb} pressed={stored?.thumb === thumb} onClick={() => vote(thumb)} />
        ))}
      </span>
      {feedback.error && (
        <span role="alert" className="px-2 text-sm text-danger">
          {t('feedback.failed', { reason: errorText(t, feedback.error) })}
        </span>
      )}
      {/* Made only when it is wanted: there may be hundreds of answers. */}
      {open && stored && (
        <Popover.Root open onOpenChange={setOpen}>
          <Popover.Anchor virtualRef={thumbs as RefObject<HTMLElement>} />
          <Popover.Portal>
            <Popover.Content
              onCloseAutoFocus={() => {
                const buttons = thumbs.current;
                (
                  buttons?.querySelector<HTMLElement>('[aria-pressed="true"]') ?? buttons?.querySelector('button')
                )?.focus();
              }}
              side="top"
              align="start"
              sideOffset={8}
              collisionPadding={12}
              aria-label={t(stored.thumb === 'up' ? 'feedback.upTitle' : 'feedback.downTitle')}
              className="z-40 w-[min(23rem,calc(100vw-1.5rem))] animate-rise rounded-2xl border border-line bg-surface p-4 shadow-float"
            >
              <CommentForm stored={stored} onSave={save} onRemove={remove} />
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
    </>
  );
}

function ThumbButton({ thumb, pressed, onClick }: { thumb: Thumb; pressed: boolean; onClick: () => void }) {
  const { t } = useTranslation();
  const Icon = icons[thumb];
  return (
    <IconButton label={t(`feedback.${thumb}`)} size="small" aria-pressed={pressed} onClick={onClick}>
      <Icon size={16} className={pressed ? 'fill-accent-soft' : undefined} aria-hidden />
    </IconButton>
  );
}

interface CommentFormProps {
  stored: StoredFeedback;
  onSave: (comment: string) => void;
  onRemove: () => void;
}

function CommentForm({ stored, onSave, onRemove }: CommentFormProps) {
  const { t } = useTranslation();
  const id = useId();
  const [comment, setComment] = useState(stored.comment);
  const up = stored.thumb === 'up';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave(comment.trim());
      }}
    >
      <p className="font-medium">{t(up ? 'feedback.upTitle' : 'feedback.downTitle')}</p>
      <label htmlFor={id} className="mt-2 block text-sm text-muted">
        {t('feedback.comment')}
      </label>
      <textarea
        id={id}
        rows={3}
        maxLength={4_000}
        value={comment}
        placeholder={t(up ? 'feedback.placeholderUp' : 'feedback.placeholderDown')}
        onChange={(event) => setComment(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSave(comment.trim());
        }}
        className="mt-1 block w-full resize-y rounded-lg border border-line-strong bg-canvas px-3 py-2 text-base leading-relaxed outline-none placeholder:text-muted focus-visible:ring-2 focus-visible:ring-accent sm:text-sm"
      />
      <div className="mt-3 flex justify-between gap-2">
        <Button shape="quiet" onClick={onRemove}>
          {t('feedback.remove')}
        </Button>
        <Button shape="primary" type="submit">
          {t('app.save')}
        </Button>
      </div>
    </form>
  );
}
