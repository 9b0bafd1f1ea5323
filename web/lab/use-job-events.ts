/** A run as it goes on: the job, its metrics and the end of its log, kept current by server-sent events. */
import type { Job, Metric } from '@parley/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { jobEvents, jobQuery } from './api.ts';

export interface Followed {
  job: Job | null;
  /** By step, each once. */
  metrics: Metric[];
  log: string;
}

const nothing: Followed = { job: null, metrics: [], log: '' };
const mostLogCharacters = 200_000;
const againAfterMilliseconds = 2_000;

/** @param round another number follows anew: when a run that had ended was resumed */
export function useJobEvents(id: string, round: number): Followed {
  const client = useQueryClient();
  const [followed, setFollowed] = useState<Followed>(nothing);

  // Another round follows anew.
  useEffect(() => {
    const leaving = new AbortController();
    setFollowed(nothing);
    void follow();
    return () => leaving.abort();

    async function follow(): Promise<void> {
      while (!leaving.signal.aborted) {
        let job: Job | null = null;
        try {
          for await (const event of jobEvents(id, leaving.signal)) {
            if (event.type === 'job') job = event.job;
            setFollowed((before) => {
              if (event.type === 'job') return { ...before, job: event.job };
              if (event.type === 'metrics') return { ...before, metrics: merge(before.metrics, event.metrics) };
              const text = event.restart ? event.text : before.log + event.text;
              return { ...before, log: text.slice(-mostLogCharacters) };
            });
          }
        } catch {
          // The connection broke: follow again below.
        }
        if (job && job.state !== 'running' && job.state !== 'queued') {
          void client.invalidateQueries({ queryKey: jobQuery(id).queryKey });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, againAfterMilliseconds));
      }
    }
  }, [id, round, client]);

  return followed;
}

/** Steps that come again replace what was told of them. */
function merge(known: readonly Metric[], fresh: readonly Metric[]): Metric[] {
  const steps = new Map(known.map((metric) => [metric.step, metric]));
  for (const metric of fresh) steps.set(metric.step, metric);
  return [...steps.values()].sort((one, other) => one.step - other.step);
}
