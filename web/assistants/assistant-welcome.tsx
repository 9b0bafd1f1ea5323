/** The beginning of a conversation with an assistant; the first message makes the conversation. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { messagesQuery, putConversation } from '../api/queries.ts';
import { Composer } from '../chat/composer.tsx';
import { NotFound } from '../chat/conversation.tsx';
import { errorText } from '../chat/error-text.ts';
import { languageOf } from '../chat/language-of.ts';
import { samplingWishes } from '../chat/sampling.ts';
import { useAnswerStreams } from '../chat/streams-context.tsx';
import { Logo } from '../ui/logo.tsx';
import { Notice } from '../ui/notice.tsx';
import { assistantQuery, startConversation } from './api.ts';

export function AssistantWelcomePage() {
  const { t } = useTranslation();
  const { assistantId = '' } = useParams({ strict: false });
  const client = useQueryClient();
  const streams = useAnswerStreams();
  const navigate = useNavigate();
  const { data: assistant, error: missing } = useQuery(assistantQuery(assistantId));
  const [error, setError] = useState<Error | null>(null);
  const [starting, setStarting] = useState(false);

  async function start(content: string, fileIds: string[] = []): Promise<void> {
    setError(null);
    setStarting(true);
    try {
      const { id } = await startConversation(assistantId).then((conversation) => {
        putConversation(client, conversation);
        return conversation;
      });
      client.setQueryData(messagesQuery(id).queryKey, []);
      streams.run(id, { kind: 'send', request: { content, fileIds, sampling: samplingWishes.get() } });
      await navigate({ to: '/chat/$conversationId', params: { conversationId: id } });
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
      throw cause;
    } finally {
      setStarting(false);
    }
  }

  if (missing) return <NotFound text={errorText(t, missing)} />;
  if (!assistant) return null;
  return (
    <div className="flex h-full flex-col">
      <div className="flex min-h-0 grow flex-col overflow-y-auto px-4 sm:px-5">
        <div className="m-auto w-full max-w-3xl py-8 sm:px-5">
          <Logo size={44} />
          <h1 className="mt-5 font-serif text-3xl leading-tight tracking-tight text-balance wrap-anywhere sm:text-4xl">
            {assistant.name}
          </h1>
          <p className="mt-3 max-w-xl leading-relaxed text-pretty text-muted">
            {assistant.documents > 0
              ? t('assistants.answersFrom', { count: assistant.documents })
              : t('assistants.answersAlone')}
          </p>
          <h2 className="sr-only">{t('welcome.examples')}</h2>
          <ul className="mt-8 grid gap-2.5 sm:grid-cols-2">
            {assistant.exampleQuestions.map((question) => (
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
