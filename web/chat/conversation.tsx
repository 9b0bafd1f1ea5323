/** One conversation: its messages along the shown path, the answer that is being written, and the composer. */
import type { Message } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ArrowDown } from 'lucide-react';
import { startTransition, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { conversationsQuery, messagesQuery } from '../api/queries.ts';
import { RequestError } from '../api/request.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { Notice } from '../ui/notice.tsx';
import { usePageTitle } from '../ui/page-title.ts';
import { Answer, PendingAnswer } from './answer.tsx';
import { AnswerError, type LiveAnswer } from './answer-streams.ts';
import { useAnswerWishes } from './answer-wishes.ts';
import { useAutoscroll } from './autoscroll.ts';
import { Composer, type ComposerHandle } from './composer.tsx';
import { DraftPairView, useDraftPairs } from './draft-pair.tsx';
import { errorText } from './error-text.ts';
import { useFoundMessage } from './found-message.ts';
import { Question, UnsentQuestion } from './question.tsx';
import { useEscape } from './shortcuts.ts';
import { noteShownBranch } from './shown-branches.ts';
import { useAnswerStreams, useLiveAnswer } from './streams-context.tsx';
import { type BranchChoices, type PathStep, rootKey, shownPath } from './tree.ts';

const batchOfMessages = 16;

export function ConversationPage() {
  const { conversationId } = useParams({ from: '/chat/$conversationId' });
  return <Conversation key={conversationId} id={conversationId} />;
}

function Conversation({ id }: { id: string }) {
  const { t } = useTranslation();
  const streams = useAnswerStreams();
  const { data: messages, error, refetch } = useQuery(messagesQuery(id));
  const title = useConversationTitle(id) ?? t('chat.label');
  usePageTitle(title);
  const live = useLiveAnswer(id);
  const wishes = useAnswerWishes(id);
  const [choices, setChoices] = useState<BranchChoices>({});
  const composer = useRef<ComposerHandle>(null);
  const { viewport, content, following, toNewest } = useAutoscroll();
  const busy = live !== null && live.phase !== 'failed';

  const drafts = useDraftPairs(id, messages);
  const path = useMemo(
    () => shownPath(messages ?? [], { ...drafts.chosen, ...choices }),
    [messages, drafts.chosen, choices],
  );
  const shown = live ? pathDuring(live, path) : path;
  const pair = drafts.openPair(shown.at(-1));
  const leafId = path.at(-1)?.message.id;
  useEffect(() => noteShownBranch(id, leafId), [id, leafId]);

  const hidden = useGradually(shown.length);
  const { found, showFound } = useFoundMessage(messages, setChoices);

  useRejoin(id, messages);
  const stop = () => {
    streams.stop(id);
    drafts.stop();
  };
  useEscape(busy, stop);

  const regenerate = useCallback(
    (answer: Message) => {
      // Without a choice at this place the path leads to the newest answer: the one to come.
      setChoices(({ [answer.parentId ?? rootKey]: _, ...rest }) => rest);
      streams.run(id, { kind: 'regenerate', answer, request: wishes() });
      toNewest();
    },
    [streams, id, toNewest, wishes],
  );
  const continueAnswer = useCallback(
    (answer: Message) => {
      streams.run(id, { kind: 'continue', answer, request: wishes() });
      toNewest();
    },
    [streams, id, toNewest, wishes],
  );
  const edit = useCallback(
    (question: Message, content: string) => {
      const { parentId } = question;
      setChoices(({ [parentId ?? rootKey]: _, ...rest }) => rest);
      const fileIds = question.files.map((file) => file.id);
      streams.run(id, { kind: 'send', request: { content, parentId, fileIds, ...wishes() } });
      toNewest();
    },
    [streams, id, toNewest, wishes],
  );
  const choose = useCallback((parentId: string | null, chosen: string) => {
    setChoices((known) => ({ ...known, [parentId ?? rootKey]: chosen }));
  }, []);

  function send(content: string, fileIds: string[]): void {
    const parentId = path.at(-1)?.message.id ?? null;
    streams.run(id, { kind: 'send', request: { content, parentId, fileIds, ...wishes() } });
    toNewest();
  }

  if (error instanceof RequestError && error.status === 404) return <NotFound text={t('chat.notFound')} />;

  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">{title}</h1>
      <div className="relative min-h-0 grow fade-edges">
        <div ref={viewport} className="h-full overflow-y-auto overscroll-contain [scrollbar-gutter:stable_both-edges]">
          <section
            ref={content}
            aria-label={t('chat.label')}
            className="mx-auto flex w-full max-w-3xl flex-col gap-8 px-4 pt-6 pb-10 sm:px-6"
          >
            {error && !messages && (
              <Notice tone="danger" actions={<Button onClick={() => void refetch()}>{t('app.tryAgain')}</Button>}>
                {t('chat.failed', { reason: errorText(t, error) })}
              </Notice>
            )}
            {shown.slice(hidden).map(({ message, siblings }, index) => (
              <div
                key={message.id}
                ref={message.id === found ? showFound : undefined}
                className={classNames(
                  hidden + index < shown.length - 2 && 'lazy-layout',
                  // The row of actions below a question is distance enough to its answer.
                  message.role === 'user' && '-mb-4',
                )}
              >
                {message.role === 'user' ? (
                  <Question message={message} siblings={siblings} busy={busy} onEdit={edit} onChoose={choose} />
                ) : pair && hidden + index === shown.length - 1 ? (
                  <DraftPairView {...pair} onChoose={choose} />
                ) : (
                  <Answer
                    message={message}
                    siblings={siblings}
                    last={hidden + index === shown.length - 1}
                    failure={live?.answer?.id === message.id ? refusalOf(live) : null}
                    busy={busy}
                    onRegenerate={regenerate}
                    onContinue={continueAnswer}
                    onChoose={choose}
                  />
                )}
              </div>
            ))}
            {live && <LiveEnd id={id} live={live} onEdit={(text) => composer.current?.fill(text)} />}
          </section>
        </div>
        {!following && (
          <IconButton
            label={t('chat.toNewest')}
            side="top"
            round
            onClick={toNewest}
            className="absolute bottom-3 left-1/2 z-2 -translate-x-1/2 animate-rise border border-line bg-surface shadow-float hover:bg-sunken"
          >
            <ArrowDown size={18} aria-hidden />
          </IconButton>
        )}
      </div>
      <Composer ref={composer} conversationId={id} busy={busy} disabled={!messages} onSend={send} onStop={stop} />
      <FinishedAnnouncement conversationId={id} />
    </div>
  );
}

/** Undefined while the list loads and for a conversation without a title. */
function useConversationTitle(id: string | undefined): string | undefined {
  const { data: conversations } = useQuery(conversationsQuery);
  return conversations?.find((conversation) => conversation.id === id)?.title || undefined;
}

/**
 * How many of the oldest messages are still left out: the newest come at once, the others bit by bit, so that a
 * conversation of hundreds opens as fast as a short one.
 */
function useGradually(messages: number): number {
  const [shown, setShown] = useState(batchOfMessages);
  useEffect(() => {
    if (shown < messages) startTransition(() => setShown(shown + batchOfMessages));
  }, [shown, messages]);
  return Math.max(0, messages - shown);
}

/** While a new answer or a new wording is on its way, what it will stand beside makes room for it. */
function pathDuring(live: LiveAnswer, path: PathStep[]): PathStep[] {
  const { action, answer, phase } = live;
  if (answer !== null || phase === 'failed') return path;
  const parentId =
    action.kind === 'regenerate'
      ? action.answer.parentId
      : action.kind === 'send'
        ? action.request.parentId
        : undefined;
  if (parentId === undefined) return path;
  return path.slice(0, path.findIndex(({ message }) => message.id === parentId) + 1);
}

/** What the server said when it gave up an answer; the answer itself shows that, stored as it is. */
function refusalOf({ error }: LiveAnswer): string | null {
  return error instanceof AnswerError ? error.message : null;
}

/** What stands below the stored messages: the question on its way, the wait, or the failure. */
function LiveEnd({ id, live, onEdit }: { id: string; live: LiveAnswer; onEdit: (text: string) => void }) {
  const { t } = useTranslation();
  const streams = useAnswerStreams();
  const { action, phase, answer, error } = live;
  const unsent = action.kind === 'send' && answer === null ? action.request.content : null;
  return (
    <>
      {unsent !== null && <UnsentQuestion text={unsent} />}
      {answer === null && phase !== 'failed' && <PendingAnswer />}
      {phase === 'reconnecting' && <Notice tone="warning">{t('answer.reconnecting')}</Notice>}
      {phase === 'failed' && error && refusalOf(live) === null && (
        <Notice
          tone="danger"
          actions={
            <>
              {unsent !== null && (
                <Button
                  onClick={() => {
                    streams.dismiss(id);
                    onEdit(unsent);
                  }}
                >
                  {t('error.edit')}
                </Button>
              )}
              <Button onClick={() => streams.retry(id)}>{t('app.tryAgain')}</Button>
            </>
          }
        >
          {unsent !== null && `${t('error.notSent')} `}
          {errorText(t, error)}
        </Notice>
      )}
    </>
  );
}

/** After a reload in mid-answer, or an answer begun in another tab: joins it and goes on. */
function useRejoin(id: string, messages: readonly Message[] | undefined): void {
  const streams = useAnswerStreams();
  const tried = useRef(new Set<string>());
  const writing = messages?.findLast(({ status }) => status === 'streaming');
  useEffect(() => {
    if (!writing || streams.isBusy(id) || tried.current.has(writing.id)) return;
    tried.current.add(writing.id);
    streams.run(id, { kind: 'attach', answer: writing });
  }, [id, writing, streams]);
}

function FinishedAnnouncement({ conversationId }: { conversationId: string }) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const streams = useAnswerStreams();
  useEffect(
    () =>
      streams.onFinished((answer) => {
        if (answer.conversationId !== conversationId) return;
        const words = answer.content.match(/\p{Script=Han}|[^\s\p{Script=Han}]+/gu)?.length ?? 0;
        if (answer.status === 'cancelled') announce(t('chat.stopped'));
        else if (words > 120) announce(t('chat.finishedLong', { count: words }));
        else announce(t('chat.finished', { text: answer.content }));
      }),
    [streams, conversationId, announce, t],
  );
  return null;
}

export function NotFound({ text }: { text: string }) {
  const { t } = useTranslation();
  usePageTitle(text);
  return (
    <div className="flex h-full flex-col items-center justify-center gap-5 p-6 text-center">
      <h1 className="text-muted">{text}</h1>
      <Link to="/" className="rounded-xl bg-accent px-4 py-2 text-sm font-medium text-on-accent hover:bg-accent-hover">
        {t('app.newChat')}
      </Link>
    </div>
  );
}
