import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { endOtherSessions, endSession, sessionsQuery } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { browserName } from './browser-name.ts';
import { refusalText } from './refusal-text.ts';
import { useTimeText } from './time-text.ts';

/** Where one is signed in, and signing out there. */
export function OwnSessions() {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const client = useQueryClient();
  const { data: sessions, error } = useQuery(sessionsQuery);
  const refresh = { onSettled: () => client.invalidateQueries({ queryKey: sessionsQuery.queryKey }) };
  const ending = useMutation({ mutationFn: endSession, ...refresh });
  const endingOthers = useMutation({ mutationFn: endOtherSessions, ...refresh });
  const failure = error ?? ending.error ?? endingOthers.error;
  return (
    <Section title={t('account.sessions')} description={t('account.sessionsHelp')}>
      {failure && <Notice tone="danger">{refusalText(t, failure)}</Notice>}
      <ul className="divide-y divide-line">
        {sessions?.map((session) => (
          <li key={session.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-3">
            <div className="min-w-0 grow basis-60">
              <p className="font-medium wrap-anywhere">
                {browserName(session.userAgent)}
                {session.current && (
                  <span className="ml-2 rounded-full bg-accent-soft px-2 py-0.5 text-xs text-accent">
                    {t('account.thisSession')}
                  </span>
                )}
              </p>
              <p className="text-sm text-muted">
                {t('account.sessionSeen', { address: session.address, time: timeText(session.lastSeenAt) })}
              </p>
            </div>
            {!session.current && <Button onClick={() => ending.mutate(session.id)}>{t('account.endSession')}</Button>}
          </li>
        ))}
      </ul>
      {sessions && sessions.length > 1 && (
        <Button className="mt-3" onClick={() => endingOthers.mutate()}>
          {t('account.endOthers')}
        </Button>
      )}
    </Section>
  );
}
