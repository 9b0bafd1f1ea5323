/** What the filters decided about one's own messages and their answers, and objecting to it. */
import type { Decision } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { appealDecision, decisionsChanged, decisionsQuery } from './api.ts';
import { DecisionText } from './decision-text.tsx';

export function DecisionsPage() {
  const { t } = useTranslation();
  const { data: decisions, error } = useQuery(decisionsQuery);
  return (
    <SettingsPage title={t('safety.decisions')}>
      <p className="mt-3 max-w-2xl leading-relaxed text-pretty text-muted">{t('safety.decisionsAbout')}</p>
      {error && (
        <div className="mt-5">
          <Notice tone="danger">{errorText(t, error)}</Notice>
        </div>
      )}
      {decisions?.length === 0 && <p className="mt-8 text-muted">{t('safety.noDecisions')}</p>}
      <ul className="mt-6 divide-y divide-line">
        {decisions?.map((decision) => (
          <li key={decision.id} className="py-5">
            <DecisionText decision={decision} />
            {decision.conversationId && (
              <p className="mt-1 text-sm">
                <Link
                  to="/chat/$conversationId"
                  params={{ conversationId: decision.conversationId }}
                  className="text-accent hover:underline"
                >
                  {t('safety.toConversation')}
                </Link>
              </p>
            )}
            <Appeal decision={decision} />
          </li>
        ))}
      </ul>
    </SettingsPage>
  );
}

function Appeal({ decision }: { decision: Decision }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [writing, setWriting] = useState(false);
  const [text, setText] = useState('');
  const appealing = useMutation({
    mutationFn: () => appealDecision(decision.id, text),
    onSuccess: () => decisionsChanged(client),
  });
  if (decision.appeal !== null) return null;
  if (!writing) {
    return (
      <Button className="mt-3" onClick={() => setWriting(true)}>
        {t('safety.appeal')}
      </Button>
    );
  }
  return (
    <form
      className="mt-3 flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        appealing.mutate();
      }}
    >
      <Field
        label={t('safety.appealText')}
        required
        autoFocus
        maxLength={2000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        className="grow basis-72"
      />
      <Button type="submit" shape="primary" disabled={appealing.isPending || text.trim() === ''} className="min-h-10">
        {t('safety.appealSend')}
      </Button>
      {appealing.error && <Notice tone="danger">{errorText(t, appealing.error)}</Notice>}
    </form>
  );
}
