/** Where an answer comes from: the passages that the model was given, below it and behind each "[1]" in it. */
import type { Citation, Message } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { createContext, lazy, type ReactNode, Suspense, useContext, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { conversationsQuery } from '../api/queries.ts';
import { assistantQuery, citationsQuery } from './api.ts';

const Verification = lazy(() => import('./verification.tsx').then(({ Verification }) => ({ default: Verification })));
const PassagePanel = lazy(() => import('./passage-panel.tsx'));

type Passage = Pick<Citation, 'documentId' | 'documentName' | 'start' | 'end' | 'text'>;

interface Cited {
  citations: readonly Citation[];
  open: (passage: Passage) => void;
}

const CitedContext = createContext<Cited>({ citations: [], open: () => undefined });

/** Whether a conversation belongs to an assistant, and so may have citations. */
function useAssistantOf(conversationId: string): string | null {
  const { data } = useQuery({
    ...conversationsQuery,
    select: (conversations) => conversations.find(({ id }) => id === conversationId)?.assistantId ?? null,
  });
  return data ?? null;
}

/** Around an answer: makes its marks work and lists its passages below. */
export function CitedAnswer({ message, children }: { message: Message; children: ReactNode }) {
  const assistant = useAssistantOf(message.conversationId);
  if (assistant === null && message.files.length === 0) return children;
  return (
    <WithCitations assistant={assistant} message={message}>
      {children}
    </WithCitations>
  );
}

function WithCitations({
  assistant,
  message,
  children,
}: {
  assistant: string | null;
  message: Message;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const { conversationId, id, status } = message;
  const query = citationsQuery(conversationId);
  // Known once the model has begun: asked again when the answer is done.
  const { data } = useQuery({ ...query, queryKey: [...query.queryKey, id, status], enabled: assistant !== null });
  const citations = useMemo(() => (data ?? []).filter(({ messageId }) => messageId === id), [data, id]);
  const [opened, open] = useState<Passage | null>(null);
  const { data: documents = 0 } = useQuery({
    ...assistantQuery(assistant ?? ''),
    enabled: assistant !== null,
    select: (known) => known.documents,
  });
  const cited = useMemo(() => ({ citations, open }), [citations]);
  return (
    <CitedContext value={cited}>
      {children}
      {citations.length > 0 && status !== 'streaming' && (
        <section aria-label={t('citations.label')} className="mt-3 flex flex-wrap items-center gap-2 text-sm">
          <span className="text-muted">{t('citations.given')}</span>
          {citations.map((citation) => (
            <button
              key={citation.number}
              type="button"
              onClick={() => open(citation)}
              aria-label={t('citations.open', { number: citation.number, name: citation.documentName })}
              className="inline-flex min-h-8 max-w-60 items-center gap-1.5 rounded-full border border-line bg-surface px-3 text-muted hover:border-line-strong hover:text-ink pointer-coarse:min-h-11"
            >
              <span className="font-medium text-accent tabular-nums">{citation.number}</span>{' '}
              <span className="truncate">{citation.documentName}</span>
            </button>
          ))}
        </section>
      )}
      {(documents > 0 || message.files.length > 0) && message.content !== '' && status !== 'streaming' && (
        <Suspense>
          <Verification message={message} onOpen={open} />
        </Suspense>
      )}
      {opened && (
        <Suspense>
          <PassagePanel citation={opened} onClose={() => open(null)} />
        </Suspense>
      )}
    </CitedContext>
  );
}

/** "[1]" in the text of an answer. */
export function CitationMark({ number, children }: { number: number; children: ReactNode }) {
  const { t } = useTranslation();
  const { citations, open } = useContext(CitedContext);
  const citation = citations.find((known) => known.number === number);
  if (!citation) return <span>{children}</span>;
  return (
    <button
      type="button"
      onClick={() => open(citation)}
      aria-label={t('citations.open', { number, name: citation.documentName })}
      className="rounded px-0.5 font-medium text-accent hover:underline"
    >
      {children}
    </button>
  );
}
