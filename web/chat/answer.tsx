import type { Message } from '@parley/contracts';
import { RotateCcw } from 'lucide-react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { CitedAnswer } from '../assistants/citations.tsx';
import { DecisionNotes } from '../safety/decision-notes.tsx';
import { Button } from '../ui/button.tsx';
import { Logo } from '../ui/logo.tsx';
import { Notice } from '../ui/notice.tsx';
import { AnswerActions } from './answer-actions.tsx';
import { Markdown } from './markdown.tsx';
import { ReadNotice } from './message-files.tsx';
import { useLiveText } from './streams-context.tsx';

interface AnswerProps {
  message: Message;
  siblings: readonly string[];
  /** The last message shown: its actions stay in sight, and it may be continued. */
  last: boolean;
  /** Why the server gave it up, if it just did. */
  failure: string | null;
  /** Another answer of the conversation is being written. */
  busy: boolean;
  onRegenerate: (message: Message) => void;
  onContinue: (message: Message) => void;
  onChoose: (parentId: string | null, id: string) => void;
}

export const Answer = memo(function Answer(props: AnswerProps) {
  const { message, siblings, last, failure, busy, onRegenerate, onContinue, onChoose } = props;
  const { t } = useTranslation();
  const liveText = useLiveText(message.conversationId, message.id);
  const writing = liveText !== null;
  const text = liveText ?? message.content;
  return (
    <AnswerFrame>
      {message.droppedTurns > 0 && (
        <div className="mb-3">
          <Notice tone="info">{t('answer.dropped', { count: message.droppedTurns })}</Notice>
        </div>
      )}
      <ReadNotice files={message.files} />
      <CitedAnswer message={message}>{text !== '' && <Markdown text={text} writing={writing} />}</CitedAnswer>
      {text === '' && (writing ? <Thinking /> : <p className="text-muted italic">{t('answer.empty')}</p>)}
      {!writing && (
        <>
          <DecisionNotes message={message} />
          <Ending
            message={message}
            last={last}
            failure={failure}
            busy={busy}
            onContinue={onContinue}
            onRegenerate={onRegenerate}
          />
          <Remark label={t('feedback.yours')} text={message.feedback?.comment} />
          <Remark label={t('feedback.yourBetter')} text={message.feedback?.betterAnswer} />
          <AnswerActions
            message={message}
            siblings={siblings}
            last={last}
            busy={busy}
            onRegenerate={onRegenerate}
            onChoose={onChoose}
          />
        </>
      )}
    </AnswerFrame>
  );
});

/** The place of an answer that the server has not begun yet. */
export function PendingAnswer() {
  return (
    <AnswerFrame>
      <Thinking />
    </AnswerFrame>
  );
}

/** What the person wrote about the answer. */
function Remark({ label, text }: { label: string; text: string | undefined }) {
  if (!text) return null;
  return (
    <p className="mt-3 border-l-2 border-line pl-3 text-sm wrap-anywhere whitespace-pre-wrap text-muted">
      <span className="font-medium">{label}</span> {text}
    </p>
  );
}

function AnswerFrame({ children }: { children: React.ReactNode }) {
  const { t } = useTranslation();
  return (
    <article className="group/answer flex gap-4">
      <Logo size={26} className="mt-0.5 shrink-0 max-sm:hidden" />
      <div className="min-w-0 grow">
        <h2 className="sr-only">{t('chat.parley')}</h2>
        {children}
      </div>
    </article>
  );
}

export function Thinking() {
  const { t } = useTranslation();
  return (
    <p className="thinking flex h-7 items-center gap-1.5">
      <span className="sr-only">{t('chat.thinking')}</span>
      <i />
      <i />
      <i />
    </p>
  );
}

type EndingProps = Pick<AnswerProps, 'message' | 'last' | 'failure' | 'busy' | 'onContinue' | 'onRegenerate'>;

/** How the answer ended, if not by itself, and what can be done about it. */
function Ending({ message, last, failure, busy, onContinue, onRegenerate }: EndingProps) {
  const { t } = useTranslation();
  const { status } = message;
  if (status === 'stop' || status === 'streaming') return null;
  const action =
    status === 'error' ? (
      <Button disabled={busy} onClick={() => onRegenerate(message)}>
        <RotateCcw size={15} aria-hidden /> {t('app.tryAgain')}
      </Button>
    ) : (
      last && (
        <Button disabled={busy} onClick={() => onContinue(message)}>
          {t('answer.continue')}
        </Button>
      )
    );
  const tone = status === 'error' ? 'danger' : status === 'interrupted' ? 'warning' : 'info';
  return (
    <div className="mt-3">
      <Notice tone={tone} actions={action}>
        {t(`answer.${status}`)} {failure}
      </Notice>
    </div>
  );
}
