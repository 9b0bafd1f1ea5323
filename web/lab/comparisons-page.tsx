import { type Comparison, roleAllows } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useSession } from '../account/session.tsx';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { comparisonsQuery } from './api.ts';
import { percent } from './figures.tsx';
import { Heading } from './lab-page.tsx';
import { NewComparisonForm } from './new-comparison-form.tsx';

/** In the Lab: the comparisons, and a form for another. */
export function ComparisonsPage() {
  const { t } = useTranslation();
  return (
    <>
      <Heading title={t('lab.comparisons')} />
      <ComparisonList />
      <NewComparisonForm />
    </>
  );
}

/** For those who judge and do not administer. */
export function JudgingPage() {
  const { t } = useTranslation();
  return (
    <SettingsPage title={t('lab.comparisons')}>
      <ComparisonList />
    </SettingsPage>
  );
}

function ComparisonList() {
  const { t } = useTranslation();
  const { data: comparisons, error } = useQuery(comparisonsQuery);
  return (
    <>
      <p className="mt-3 max-w-2xl leading-relaxed text-pretty text-muted">{t('comparison.description')}</p>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      <ul className="mt-3 divide-y divide-line">
        {comparisons?.map((comparison) => (
          <Line key={comparison.id} comparison={comparison} />
        ))}
      </ul>
    </>
  );
}

function Line({ comparison }: { comparison: Comparison }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const administrator = roleAllows(useSession().role, 'administrator');
  const { id, left, right, prompts, answered, error, result, createdAt } = comparison;
  const state =
    error ??
    (answered < prompts
      ? t('comparison.answering', { answered, prompts })
      : result === null
        ? t('comparison.toJudge')
        : resultText(t, result));
  return (
    <li>
      <Link
        to="/comparisons/$comparisonId"
        params={{ comparisonId: id }}
        className="-mx-3 flex flex-wrap items-baseline gap-x-4 gap-y-1 rounded-xl px-3 py-3 hover:bg-hover"
      >
        {/* Whoever judges must not read which models it is about. */}
        <span className="min-w-0 grow basis-48 font-medium wrap-anywhere">
          {administrator || result !== null
            ? t('comparison.between', { left, right })
            : t('comparison.blind', { count: prompts })}
        </span>
        <span className="text-sm text-muted tabular-nums">{`${state} · ${timeText(createdAt)}`}</span>
      </Link>
    </li>
  );
}

/** '62.5 % (51.0 % to 72.8 %), 40 votes'. */
export function resultText(t: TFunction, { winRate, interval, votes }: NonNullable<Comparison['result']>): string {
  if (winRate === null || interval === null) return t('comparison.noVotes');
  const [low, high] = interval.map(percent) as [string, string];
  return t('comparison.result', { winRate: percent(winRate), low, high, count: votes });
}
