import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { messagesQuery, putConversation, statusQuery } from '../api/queries.ts';
import { createConversation } from '../api/routes.ts';
import { Logo } from '../ui/logo.tsx';
import { Notice } from '../ui/notice.tsx';
import { useAnswerWishes } from './answer-wishes.ts';
import { Composer } from './composer.tsx';
import { errorText } from './error-text.ts';
import { languageOf } from './language-of.ts';
import { countText } from './model-name.tsx';
import { useAnswerStreams } from './streams-context.tsx';

/** Up to here a model is what "small" promises: small talk, a few facts, often wrong. */
const largestSmallModel = 100_000_000;

const examples = [1, 2, 3, 4, 5, 6] as const;

/** The page of a conversation that does not exist yet; the first message makes it. */
export function Welcome() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const streams = useAnswerStreams();
  const navigate = useNavigate();
  const wishes = useAnswerWishes();
  const { data: status } = useQuery(statusQuery);
  const small = status !== undefined && status.model.parameters < largestSmallModel;
  const parameters = status && countText(status.model.parameters, i18n.language);
  const [error, setError] = useState<Error | null>(null);
  const [starting, setStarting] = useState(false);

  async function start(content: string, fileIds: string[] = []): Promise<void> {
    setError(null);
    setStarting(true);
    try {
      const conversation = await createConversation();
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
          <h1 className="mt-5 font-serif text-3xl leading-tight tracking-tight text-balance sm:text-4xl">
            {t('welcome.title')}
          </h1>
          {/* Its place is kept while the status is on its way. */}
          <p className="mt-3 min-h-13 max-w-xl leading-relaxed text-pretty text-muted">
            {status && t(small ? 'welcome.about' : 'welcome.aboutLarger', { parameters })}
          </p>
          <h2 className="sr-only">{t('welcome.examples')}</h2>
          <ul className="mt-8 grid gap-2.5 sm:grid-cols-2">
            {examples.map((number) => {
              const prompt = t(`welcome.example${number}`);
              return (
                <li key={number}>
                  <button
                    type="button"
                    lang={languageOf(prompt)}
                    disabled={starting}
                    onClick={() => void start(prompt).catch(() => undefined)}
                    className="h-full w-full rounded-2xl border border-line bg-surface px-4 py-3 text-left text-[0.95rem] transition-colors hover:border-line-strong hover:bg-sunken"
                  >
                    {prompt}
                  </button>
                </li>
              );
            })}
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
