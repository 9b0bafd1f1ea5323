import type { Job } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { jobsQuery } from './api.ts';
import { durationText, JobState } from './job-state.tsx';
import { Heading } from './lab-page.tsx';

/** Every run, newest first, and the way to a new one. */
export function RunsPage() {
  const { t } = useTranslation();
  const { data: jobs, error } = useQuery(jobsQuery);
  return (
    <>
      <Heading title={t('lab.runs')}>
        <Link
          to="/lab/new"
          className="inline-flex min-h-10 items-center gap-2 rounded-xl bg-accent px-3.5 text-sm font-medium text-on-accent hover:bg-accent-hover pointer-coarse:min-h-11"
        >
          <Plus size={17} aria-hidden /> {t('lab.newRun')}
        </Link>
      </Heading>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {jobs?.length === 0 && <p className="mt-6 max-w-xl leading-relaxed text-muted">{t('lab.noRuns')}</p>}
      <ul className="mt-4 divide-y divide-line">
        {jobs?.map((job) => (
          <Run key={job.id} job={job} />
        ))}
      </ul>
    </>
  );
}

function Run({ job }: { job: Job }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const { recipe, startedAt, finishedAt, createdAt, error, state } = job;
  const took = startedAt === null ? null : durationText((finishedAt ?? Date.now()) - startedAt);
  return (
    <li>
      <Link
        to="/lab/runs/$jobId"
        params={{ jobId: job.id }}
        className="-mx-3 flex flex-wrap items-baseline gap-x-4 gap-y-1 rounded-xl px-3 py-3 hover:bg-hover"
      >
        <span className="min-w-0 grow basis-48 font-medium wrap-anywhere">{job.name}</span>
        <span className="text-sm text-muted">{t(`labRecipe.${recipe}`)}</span>
        <JobState job={job} />
        <span className="text-sm text-muted tabular-nums">
          {[timeText(createdAt), took].filter((part) => part !== null).join(' · ')}
        </span>
        {error && <span className="w-full text-sm wrap-anywhere text-danger">{error}</span>}
        {state === 'queued' && <span className="w-full text-sm text-muted">{t('lab.waits')}</span>}
      </Link>
    </li>
  );
}
