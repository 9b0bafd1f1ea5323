/**
 * "Which is better?": two drafts of one answer side by side, as they are being written. Whoever would rather go on
 * simply asks the next question.
 */
import type { DraftChoice, DraftPair, Message } from '@parley/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { draftPairsQuery, useChooseDraft } from '../api/drafts.ts';
import { messagesQuery } from '../api/queries.ts';
import { stopMessage } from '../api/routes.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Thinking } from './answer.tsx';
import { AnswerStreams } from './answer-streams.ts';
import { errorText } from './error-text.ts';
import { Markdown } from './markdown.tsx';
import { useLiveAnswer, useLiveText } from './streams-context.tsx';
import type { BranchChoices, PathStep } from './tree.ts';

const noPairs: DraftPair[] = [];

export interface ShownPair {
  pair: DraftPair;
  left: Message | undefined;
  right: Message | undefined;
  /** Follows the draft that the conversation's own stream does not. */
  second: AnswerStreams;
}

/** Where drafts were compared the path leads over the chosen one, unless a later answer or the person says otherwise. */
export function useDraftPairs(conversationId: string, messages: readonly Message[] | undefined) {
  const client = useQueryClient();
  const live = useLiveAnswer(conversationId);
  const { data: pairs = noPairs } = useQuery(draftPairsQuery(conversationId));
  const [second] = useState(() => new AnswerStreams(client));

  // The server decides with each new answer whether it gets a second draft.
  const asked = live?.action.kind === 'send' ? live.answer?.id : undefined;
  useEffect(() => {
    if (asked) void client.invalidateQueries({ queryKey: draftPairsQuery(conversationId).queryKey });
  }, [client, conversationId, asked]);

  const find = (id: string): Message | undefined => messages?.find((message) => message.id === id);
  const open = pairs.find(({ choice }) => choice === null);
  const missing = open !== undefined && messages !== undefined && !(find(open.left) && find(open.right));
  useEffect(() => {
    // Asked for again with each change: a draft that ends drops the list that was on its way.
    if (missing && messages) void client.invalidateQueries({ queryKey: messagesQuery(conversationId).queryKey });
  }, [client, conversationId, missing, messages]);

  const waiting = open && [find(open.left), find(open.right)].find((draft) => isWriting(draft, live?.answer?.id));
  useEffect(() => {
    if (waiting) second.run(conversationId, { kind: 'attach', answer: waiting });
  }, [second, conversationId, waiting]);
  useEffect(() => () => second.abandon(conversationId), [second, conversationId]);

  const chosen = useMemo(() => choicesOf(pairs, messages ?? []), [pairs, messages]);
  const openPair = (last: PathStep | undefined): ShownPair | null =>
    open && last && (last.message.id === open.left || last.message.id === open.right)
      ? { pair: open, left: find(open.left), right: find(open.right), second }
      : null;
  const stop = () => {
    for (const draft of open ? [find(open.left), find(open.right)] : []) {
      if (draft?.status === 'streaming') stopMessage(draft.id).catch(() => undefined);
    }
  };
  return { chosen, openPair, stop };
}

function choicesOf(pairs: readonly DraftPair[], messages: readonly Message[]): BranchChoices {
  return Object.fromEntries(
    pairs.flatMap(({ left, right, choice }) => {
      const answer = messages.find(({ id }) => id === { left, right, tie: null, neither: null }[choice ?? 'tie']);
      const newest = messages.findLast(({ parentId }) => parentId === answer?.parentId);
      return answer && (newest?.id === left || newest?.id === right) ? [[answer.parentId ?? '', answer.id]] : [];
    }),
  );
}

function isWriting(draft: Message | undefined, followed: string | undefined): boolean {
  return draft?.status === 'streaming' && draft.id !== followed;
}

interface DraftPairViewProps extends ShownPair {
  onChoose: (parentId: string | null, id: string) => void;
}

export function DraftPairView({ pair, left, right, second, onChoose }: DraftPairViewProps) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const choosing = useChooseDraft(pair);
  const ready = [left, right].every((draft) => draft !== undefined && draft.status !== 'streaming');

  useEffect(() => {
    if (ready) announce(t('drafts.ready'));
  }, [ready, announce, t]);

  function choose(choice: DraftChoice): void {
    choosing.mutate(choice, { onSuccess: () => announce(t('feedback.thanks')) });
    const better = choice === 'left' ? left : choice === 'right' ? right : undefined;
    if (better) onChoose(better.parentId, better.id);
  }

  return (
    <section aria-label={t('drafts.title')} className="flex flex-col gap-4">
      <h2 className="font-serif text-lg font-semibold">{t('drafts.title')}</h2>
      <div className="grid gap-4 md:grid-cols-2">
        <Draft name={t('drafts.left')} draft={left} second={second} />
        <Draft name={t('drafts.right')} draft={right} second={second} />
      </div>
      <div className="flex flex-wrap gap-2">
        {(['left', 'right', 'tie', 'neither'] as const).map((choice) => (
          <Button key={choice} disabled={!ready || choosing.isPending} onClick={() => choose(choice)}>
            {t(`drafts.choice.${choice}`)}
          </Button>
        ))}
      </div>
      <p className="text-sm text-muted">{t(ready ? 'drafts.help' : 'drafts.writing')}</p>
      {choosing.error && (
        <p role="alert" className="text-sm text-danger">
          {t('feedback.failed', { reason: errorText(t, choosing.error) })}
        </p>
      )}
    </section>
  );
}

function Draft({ name, draft, second }: { name: string; draft: Message | undefined; second: AnswerStreams }) {
  const { t } = useTranslation();
  const conversationId = draft?.conversationId ?? '';
  const live = useLiveText(conversationId, draft?.id ?? '');
  const other = useSyncExternalStore(second.subscribe, () => {
    const followed = second.get(conversationId);
    return followed?.answer?.id === draft?.id && followed?.phase !== 'failed' ? (followed?.text ?? null) : null;
  });
  const text = live ?? other ?? draft?.content ?? '';
  const writing = draft === undefined || draft.status === 'streaming';
  return (
    <article className="flex flex-col gap-2 rounded-2xl border border-line bg-surface p-4">
      <h3 className="text-sm font-medium text-muted">{name}</h3>
      {text !== '' && <Markdown text={text} writing={writing} headingLevel={4} />}
      {text === '' && (writing ? <Thinking /> : <p className="text-muted italic">{t('answer.empty')}</p>)}
    </article>
  );
}
