import type { AuditEntry } from '@parley/contracts';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { auditQuery } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { refusalText } from './refusal-text.ts';
import { useTimeText } from './time-text.ts';

/** Who did what, newest first. */
export function AuditLog() {
  const { t } = useTranslation();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(auditQuery);
  const entries = data?.pages.flat();
  return (
    <div className="mt-6">
      <p className="text-sm leading-relaxed text-muted">{t('audit.description')}</p>
      {error && <Notice tone="danger">{refusalText(t, error)}</Notice>}
      <ol className="mt-3 divide-y divide-line">
        {entries?.map((entry) => (
          <AuditLine key={entry.id} entry={entry} />
        ))}
      </ol>
      {hasNextPage && (
        <Button className="mt-4" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t('audit.older')}
        </Button>
      )}
    </div>
  );
}

function AuditLine({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const detail = Object.entries(entry.detail).map(([name, value]) => `${name}: ${String(value)}`);
  const facts = [timeText(entry.at), entry.address, ...detail];
  return (
    <li className="py-2.5">
      <p className="wrap-anywhere">
        <span className="font-medium">{entry.actor?.name ?? t('audit.nobody')}</span>{' '}
        <code className="rounded-md bg-sunken px-1.5 py-0.5 font-mono text-sm">{entry.action}</code> {entry.subject}
      </p>
      <p className="text-sm wrap-anywhere text-muted">{facts.join(' · ')}</p>
    </li>
  );
}
