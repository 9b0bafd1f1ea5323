/** The page of a conversation that does not exist yet; the first message makes it. */
import type { Conversation, SendRequest } from '@parley/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { messagesQuery, putConversation } from '../api/queries.ts';
import { Logo } from '../ui/logo.tsx';
import { Notice } from '../ui/notice.tsx';
import { Composer } from './composer.tsx';
import { errorText } from './error-text.ts';
import { languageOf } from './language-of.ts';
import { useAnswerStreams } from './streams-context.tsx';

interface ConversationStartProps {
  title: string;
  /** A paragraph below the title. */
  about: ReactNode;
  /** Questions to begin with at one click. */
  examples: readonly string[];
  create: () => Promise<Conversation>;
  /** What is wished of the first answer, at the moment of asking. */
  wishes: () => Pick<SendRequest, 'sampling' | 'model'>;
}

export function ConversationStart({ title, about, examples, create, wishes }: ConversationStartProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const streams = useAnswerStreams();
  const navigate = useNavigate();
  const [error, setError] = useState<Error | null>(null);
  const [starting, setStarting] = useState(false);

  async function start(content: string, fileIds: string[] = []): Promise<void> {
    setError(null);
    setStarting(true);
    try {
      const conversation = await create();
      putConversation(client, conversation);
      client.setQueryData(messagesQuery(conversation.id).queryKey, []);
      streams.run(conversation.id, { kind: 'send', request: { content, fileIds, ...wishes() } });
      await navigate({ to: '/chat/$conversationId', params: { conversationId: conversation.id } });
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
      throw cause;
    } finally {
      setStarting(false);
    }
  }

  return (
    <div className="flex h-full flex-col">
      <div className="flex min-h-0 grow flex-col overflow-y-auto px-4 sm:px-5">
        <div className="m-auto w-full max-w-3xl py-8 sm:px-5">
          <Logo size={44} />
          <h1 className="mt-5 font-serif text-3xl leading-tight tracking-tight text-balance wrap-anywhere sm:text-4xl">
            {title}
          </h1>
          {about}
          <h2 className="sr-only">{t('welcome.examples')}</h2>
          <ul className="mt-8 grid gap-2.5 sm:grid-cols-2">
            {examples.map((question) => (
              <li key={question}>
                <button
                  type="button"
                  lang={languageOf(question)}
                  disabled={starting}
                  onClick={() => void start(question).catch(() => undefined)}
                  className="h-full w-full rounded-2xl border border-line bg-surface px-4 py-3 text-left text-[0.95rem] wrap-anywhere transition-colors hover:border-line-strong hover:bg-sunken"
                >
                  {question}
                </button>
              </li>
            ))}
          </ul>
        </div>
      </div>
      {error && (
        <div className="mx-auto mb-3 w-full max-w-3xl px-3 sm:px-5">
          <Notice tone="danger">
            {t('error.notSent')} {errorText(t, error)}
          </Notice>
        </div>
      )}
      <Composer conversationId={null} busy={false} disabled={starting} onSend={start} onStop={() => undefined} />
    </div>
  );
}
