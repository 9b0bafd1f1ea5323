import type { Job, JobDetails } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Play, Square, Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { deleteJob, jobQuery, refreshWithout, resumeJob, stepsQuery, stopJob } from './api.ts';
import { useFieldLabel } from './field-help.ts';
import { durationText, JobState } from './job-state.tsx';
import { Facts, Heading } from './lab-page.tsx';
import { valueText } from './recipe-fields.ts';
import { ReportText } from './report-text.tsx';
import { RunCurves } from './run-curves.tsx';
import { type Followed, useJobEvents } from './use-job-events.ts';

/** One run: how it goes, what it says, what came of it. */
export function RunPage() {
  const { t } = useTranslation();
  const { jobId } = useParams({ from: '/lab/runs/$jobId' });
  const { data: details, error } = useQuery(jobQuery(jobId));
  const [round, setRound] = useState(0);
  const followed = useJobEvents(jobId, round);
  if (error && !details) return <Notice tone="danger">{errorText(t, error)}</Notice>;
  if (!details) return null;
  return (
    <Run
      details={{ ...details, job: followed.job ?? details.job }}
      followed={followed}
      onResumed={() => setRound(round + 1)}
    />
  );
}

interface RunProps {
  details: JobDetails;
  followed: Followed;
  onResumed: () => void;
}

function Run({ details, followed, onResumed }: RunProps) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const labelOf = useFieldLabel();
  const { job, settings, report, model } = details;
  const given = Object.entries(settings).map(([name, value]) =>
    // What is on is said by its name.
    value === true ? labelOf(name) : `${labelOf(name)} ${valueText(value)}`,
  );
  const took = job.startedAt === null ? null : durationText((job.finishedAt ?? Date.now()) - job.startedAt);
  return (
    <>
      <Heading title={job.name}>
        <Actions job={job} onResumed={onResumed} />
      </Heading>
      <Facts
        facts={[
          [t('labFact.state'), <JobState key="state" job={job} />],
          [t('labFact.recipe'), t(`labRecipe.${job.recipe}`)],
          given.length > 0 && [t('labFact.settings'), given.join(' · ')],
          [t('labFact.created'), timeText(job.createdAt)],
          took !== null && [t('labFact.duration'), took],
          job.attempts > 1 && [t('labFact.attempts'), job.attempts],
          model !== null && [
            t('labFact.model'),
            <Link key="model" to="/lab/models/$modelId" params={{ modelId: model }} className="text-accent underline">
              {model}
            </Link>,
          ],
        ]}
      />
      {job.error && (
        <div className="mt-4">
          <Notice tone="danger">{job.error}</Notice>
        </div>
      )}
      {job.recipe !== 'snapshot' && <RunCurves metrics={followed.metrics} />}
      <EpisodesLink job={job} />
      {report && <Report text={report} />}
      <Log text={followed.log} />
    </>
  );
}

function Actions({ job, onResumed }: { job: Job; onResumed: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [confirming, setConfirming] = useState(false);
  const removeButton = useRef<HTMLButtonElement>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ['lab'] });
  const stopping = useMutation({ mutationFn: () => stopJob(job.id), onSettled: refresh });
  const resuming = useMutation({ mutationFn: () => resumeJob(job.id), onSuccess: onResumed, onSettled: refresh });
  const removing = useMutation({
    mutationFn: () => deleteJob(job.id),
    onSuccess: async () => {
      await navigate({ to: '/lab' });
      await refreshWithout(client, job.id);
    },
  });
  const failure = stopping.error ?? resuming.error ?? removing.error;
  const active = job.state === 'running' || job.state === 'queued';
  return (
    <>
      {active && (
        <Button onClick={() => stopping.mutate()} disabled={stopping.isPending}>
          <Square size={15} aria-hidden /> {t(job.stopping ? 'lab.stopNow' : 'lab.stop')}
        </Button>
      )}
      {(job.state === 'stopped' || job.state === 'failed') && (
        <Button shape="primary" onClick={() => resuming.mutate()} disabled={resuming.isPending}>
          <Play size={15} aria-hidden /> {t('lab.resume')}
        </Button>
      )}
      {job.state !== 'running' && (
        <Button ref={removeButton} onClick={() => setConfirming(true)}>
          <Trash2 size={15} aria-hidden /> {t('lab.remove')}
        </Button>
      )}
      {failure && <Notice tone="danger">{errorText(t, failure)}</Notice>}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('lab.removeRunTitle', { name: job.name })}
        text={t('lab.removeRunText')}
        action={t('lab.remove')}
        onConfirm={() => removing.mutate()}
        returnFocus={removeButton}
      />
    </>
  );
}

function EpisodesLink({ job }: { job: Job }) {
  const { t } = useTranslation();
  const active = job.state === 'running' || job.state === 'queued';
  // Looked for as long as it runs, and once more when it has ended.
  const { data = [] } = useQuery({ ...stepsQuery(job.id, active), refetchInterval: active && 3_000 });
  if (data.length === 0) return null;
  return (
    <p className="mt-5">
      <Link to="/lab/runs/$jobId/answers" params={{ jobId: job.id }} className="text-accent underline">
        {t('lab.inspect')}
      </Link>
    </p>
  );
}

function Report({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <section className="mt-8 border-t border-line pt-6">
      <h3 className="font-serif text-xl">{t('lab.report')}</h3>
      <div className="mt-3">
        <ReportText text={text} below={3} />
      </div>
    </section>
  );
}

/** Stays at its end, unless somebody has scrolled up to read. */
function Log({ text }: { text: string }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // New text is what moves the end.
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  if (text === '') return null;
  return (
    <section className="mt-8 border-t border-line pt-6">
      <h3 id="log" className="font-serif text-xl">
        {t('lab.log')}
      </h3>
      <div
        ref={box}
        role="log"
        aria-labelledby="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollTop + clientHeight > scrollHeight - 24;
        }}
        className="mt-3 max-h-80 overflow-auto rounded-xl bg-sunken p-3 font-mono text-xs leading-relaxed whitespace-pre outline-none focus-visible:ring-2 focus-visible:ring-accent"
      >
        {text}
      </div>
    </section>
  );
}
