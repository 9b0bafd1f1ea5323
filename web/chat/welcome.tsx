import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { statusQuery } from '../api/queries.ts';
import { createConversation } from '../api/routes.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { useAnswerWishes } from './answer-wishes.ts';
import { ConversationStart } from './conversation-start.tsx';
import { countText } from './model-name.tsx';

/** Up to here a model is what "small" promises: small talk, a few facts, often wrong. */
const largestSmallModel = 100_000_000;

const examples = [1, 2, 3, 4, 5, 6] as const;

export function Welcome() {
  const { t, i18n } = useTranslation();
  const wishes = useAnswerWishes();
  usePageTitle();
  const { data: status } = useQuery(statusQuery);
  const small = status !== undefined && status.model.parameters < largestSmallModel;
  const parameters = status && countText(status.model.parameters, i18n.language);
  return (
    <ConversationStart
      title={t('welcome.title')}
      about={
        // Its place is kept while the status is on its way.
        <p className="mt-3 min-h-13 max-w-xl leading-relaxed text-pretty text-muted">
          {status && t(small ? 'welcome.about' : 'welcome.aboutLarger', { parameters })}
        </p>
      }
      examples={examples.map((number) => t(`welcome.example${number}`))}
      create={createConversation}
      wishes={wishes}
    />
  );
}
