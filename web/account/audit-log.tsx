import type { AccountRole, AuditEntry, LabRecipe, Ruling } from '@parley/contracts';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { auditQuery } from '../api/accounts.ts';
import type { accountTexts } from '../i18n/account.en.ts';
import { ruleText } from '../safety/rule-text.ts';
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

/** `account.registered` in the person's language; acts that are younger than the texts stand as they are. */
function actionText(t: TFunction, action: string): string {
  const key = action.replaceAll(/[.-]/g, '_') as keyof typeof accountTexts.audit.action;
  return t(`audit.action.${key}`, { defaultValue: action });
}

/** What is known by a name of its own, and the rest as it was noted. */
function detailTexts(t: TFunction, detail: AuditEntry['detail']): string[] {
  return Object.entries(detail)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      const label = t(`audit.detail.${name as keyof typeof accountTexts.audit.detail}`, { defaultValue: name });
      return t('audit.pair', { name: label, value: valueText(t, name, value) });
    });
}

function valueText(t: TFunction, name: string, value: unknown): string {
  if (typeof value === 'boolean') return t(value ? 'label.yes' : 'label.no');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (name === 'role') return t(`role.${text as AccountRole}`, { defaultValue: text });
  if (name === 'recipe') return t(`labRecipe.${text as LabRecipe}`, { defaultValue: text });
  if (name === 'ruling') return t(`audit.ruling.${text as Ruling}`, { defaultValue: text });
  if (name === 'registration') return t(`audit.registration.${text as 'open'}`, { defaultValue: text });
  return text;
}

function AuditLine({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const facts = [timeText(entry.at), entry.address, ...detailTexts(t, entry.detail)];
  return (
    <li className="py-2.5">
      <p className="wrap-anywhere">
        <span className="font-medium">{entry.actor?.name ?? t('audit.nobody')}</span> {actionText(t, entry.action)}{' '}
        <span className="text-muted">
          {entry.action === 'safety.ruled' ? ruleText(t, entry.subject) : entry.subject}
        </span>
      </p>
      <p className="text-sm wrap-anywhere text-muted">{facts.join(' · ')}</p>
    </li>
  );
}
