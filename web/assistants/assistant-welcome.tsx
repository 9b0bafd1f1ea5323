/** The beginning of a conversation with an assistant. */
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { NotFound } from '../chat/conversation.tsx';
import { ConversationStart } from '../chat/conversation-start.tsx';
import { errorText } from '../chat/error-text.ts';
import { samplingWishes } from '../chat/sampling.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { assistantQuery, startConversation } from './api.ts';

export function AssistantWelcomePage() {
  const { t } = useTranslation();
  const { assistantId = '' } = useParams({ strict: false });
  const { data: assistant, error: missing } = useQuery(assistantQuery(assistantId));
  usePageTitle(assistant?.name);
  if (missing) return <NotFound text={errorText(t, missing)} />;
  if (!assistant) return null;
  return (
    <ConversationStart
      title={assistant.name}
      about={
        <p className="mt-3 max-w-xl leading-relaxed text-pretty text-muted">
          {assistant.documents > 0
            ? t('assistants.answersFrom', { count: assistant.documents })
            : t('assistants.answersAlone')}
        </p>
      }
      examples={assistant.exampleQuestions}
      create={() => startConversation(assistantId)}
      // An assistant brings its own model.
      wishes={() => ({ sampling: samplingWishes.get() })}
    />
  );
}
