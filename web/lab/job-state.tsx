/** How a run is: a word with a colour, and a sentence where one is needed. */
import type { Job } from '@parley/contracts';
import { useTranslation } from 'react-i18next';
import { classNames } from '../ui/class-names.ts';

const colours: Record<Job['state'], string> = {
  queued: 'bg-sunken text-muted',
  running: 'bg-accent-soft text-accent',
  stopped: 'bg-amber-soft text-amber',
  failed: 'bg-danger-soft text-danger',
  done: 'bg-sunken text-ink',
};

export function JobState({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <span className={classNames('inline-flex rounded-full px-2.5 py-0.5 text-xs font-medium', colours[job.state])}>
      {job.stopping ? t('labState.stopping') : t(`labState.${job.state}`)}
    </span>
  );
}

/** '0:07', '12:31' or '1:02:03'. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return parts[0] ? `${parts[0]}:${pad(parts[1]!)}:${pad(parts[2]!)}` : `${parts[1]}:${pad(parts[2]!)}`;
}
