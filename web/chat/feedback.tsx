/**
 * Thumbs. A click is stored at once; the reasons, the comment and the better answer are offers that may be ignored.
 * A second click on the same thumb opens them again, to change them or take the vote back.
 */
import {
  type FeedbackReason,
  type FeedbackRequest,
  feedbackReasons,
  type Message,
  type Feedback as StoredFeedback,
} from '@parley/contracts';
import { Link } from '@tanstack/react-router';
import { PencilLine, ThumbsDown, ThumbsUp } from 'lucide-react';
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
    // Reasons explain the vote that they were given for; they do not move to the opposite one.
    if (stored?.thumb !== thumb) feedback.mutate({ thumb, reasons: [], comment: '', betterAnswer: '' });
    setOpen(true);
  }

  function save(details: Omit<FeedbackRequest, 'thumb'>): void {
    if (!stored) return;
    feedback.mutate({ thumb: stored.thumb, ...details }, { onSuccess: () => announce(t('feedback.thanks')) });
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
              className="z-40 max-h-(--radix-popover-content-available-height) w-[min(27rem,calc(100vw-1.5rem))] animate-rise overflow-y-auto rounded-2xl border border-line bg-surface p-4 shadow-float"
            >
              <DetailsForm stored={stored} answer={message.content} onSave={save} onRemove={remove} />
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

interface DetailsFormProps {
  stored: StoredFeedback;
  answer: string;
  onSave: (details: Omit<FeedbackRequest, 'thumb'>) => void;
  onRemove: () => void;
}

function DetailsForm({ stored, answer, onSave, onRemove }: DetailsFormProps) {
  const { t } = useTranslation();
  const [reasons, setReasons] = useState<readonly FeedbackReason[]>(stored.reasons);
  const [comment, setComment] = useState(stored.comment);
  const [betterAnswer, setBetterAnswer] = useState(stored.betterAnswer);
  const up = stored.thumb === 'up';

  function save(): void {
    const better = betterAnswer.trim();
    onSave({ reasons: [...reasons], comment: comment.trim(), betterAnswer: better === answer.trim() ? '' : better });
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save();
      }}
    >
      <fieldset>
        <legend className="font-medium">{t(up ? 'feedback.upTitle' : 'feedback.downTitle')}</legend>
        <div className="mt-2.5 flex flex-wrap gap-1.5">
          {feedbackReasons[stored.thumb].map((reason) => (
            <ReasonButton
              key={reason}
              reason={reason}
              pressed={reasons.includes(reason)}
              onToggle={() =>
                setReasons(
                  reasons.includes(reason) ? reasons.filter((other) => other !== reason) : [...reasons, reason],
                )
              }
            />
          ))}
        </div>
      </fieldset>
      <TextField
        label={t('feedback.comment')}
        placeholder={t(up ? 'feedback.placeholderUp' : 'feedback.placeholderDown')}
        rows={2}
        maxLength={4_000}
        value={comment}
        onChange={setComment}
      />
      {betterAnswer === '' ? (
        <Button shape="quiet" className="mt-2 -ml-2" onClick={() => setBetterAnswer(answer === '' ? ' ' : answer)}>
          <PencilLine size={15} aria-hidden /> {t('feedback.writeBetter')}
        </Button>
      ) : (
        <TextField
          label={t('feedback.betterAnswer')}
          rows={6}
          maxLength={32_000}
          value={betterAnswer}
          onChange={setBetterAnswer}
        />
      )}
      <p className="mt-3 text-xs leading-relaxed text-muted">{t('feedback.shared')}</p>
      <p className="mt-1 text-xs">
        <Link
          to="/lineage/messages/$messageId"
          params={{ messageId: stored.messageId }}
          className="rounded-sm text-accent underline"
        >
          {t('lineage.title')}
        </Link>
      </p>
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

interface ReasonButtonProps {
  reason: FeedbackReason;
  pressed: boolean;
  onToggle: () => void;
}

function ReasonButton({ reason, pressed, onToggle }: ReasonButtonProps) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onToggle}
      className="min-h-8 rounded-full border border-line px-3 text-sm transition-colors hover:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent pointer-coarse:min-h-10"
    >
      {t(`feedback.reason.${reason}`)}
    </button>
  );
}

interface TextFieldProps {
  label: string;
  placeholder?: string;
  rows: number;
  maxLength: number;
  value: string;
  onChange: (value: string) => void;
}

function TextField({ label, onChange, ...field }: TextFieldProps) {
  const id = useId();
  return (
    <>
      <label htmlFor={id} className="mt-3 block text-sm text-muted">
        {label}
      </label>
      <textarea
        id={id}
        onChange={(event) => onChange(event.target.value)}
        className="mt-1 block w-full resize-y rounded-lg border border-line-strong bg-canvas px-3 py-2 text-base leading-relaxed outline-none placeholder:text-muted focus-visible:ring-2 focus-visible:ring-accent sm:text-sm"
        {...field}
      />
    </>
  );
}
