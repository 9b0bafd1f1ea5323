import type { Decision } from '@parley/contracts';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { ruleText } from './rule-text.ts';

/** What was decided, about what, and what was said about it. */
export function DecisionText({ decision }: { decision: Decision }) {
  const { t } = useTranslation();
  const { rule, action, direction, excerpt, createdAt, appeal, ruling, rulingText } = decision;
  const timeText = useTimeText();
  return (
    <>
      <p className="text-sm text-muted">
        {timeText(createdAt)} · {t(`safety.${direction}`)}
      </p>
      <p className="mt-1 font-medium">{t(`safety.did.${action}`, { rule: ruleText(t, rule) })}</p>
      {excerpt !== '' && (
        <p className="mt-1.5 border-l-2 border-line pl-3 text-sm wrap-anywhere whitespace-pre-wrap text-muted">
          {excerpt}
        </p>
      )}
      {appeal !== null && (
        <p className="mt-2 text-sm wrap-anywhere">
          <span className="font-medium">{t('safety.appealed')}</span> {appeal}
        </p>
      )}
      {ruling !== null && (
        <p className="mt-1 text-sm wrap-anywhere">
          <span className="font-medium">{t(`safety.ruled.${ruling}`)}</span> {rulingText}
        </p>
      )}
      {appeal !== null && ruling === null && <p className="mt-1 text-sm text-muted">{t('safety.waiting')}</p>}
    </>
  );
}
