/** What goes on around a task while it is worked on: time, drafts, and the lease. */
import type { Content, Task } from '@parley/contracts';
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import { RequestError } from '../api/request.ts';
import { heartbeat, releaseTask, saveDraft } from './api.ts';

const autosaveMilliseconds = 1_500;
const heartbeatMilliseconds = 60_000;
/** Whoever has not stirred for so long is not working any more. */
const idleMilliseconds = 60_000;

export interface TaskWork<Kind extends Content> {
  content: Kind;
  change: (content: Kind) => void;
  /** At once; false if the server did not take it. */
  save: () => Promise<boolean>;
  /** Spent on the task, over all times that it was open. */
  milliseconds: () => number;
  /** Whether anything was put into it. */
  touched: boolean;
  saved: 'no' | 'saving' | 'yes' | 'failed';
  /** Hands the task in or skips it. No draft is on its way meanwhile, nor afterwards, unless the server refuses. */
  finish: <Result>(send: () => Promise<Result>) => Promise<Result>;
}

export function useTaskWork<Kind extends Content>(task: Task, initial: Kind): TaskWork<Kind> {
  const [content, setContent] = useState<Kind>(task.draft?.kind === initial.kind ? (task.draft as Kind) : initial);
  const [touched, setTouched] = useState(task.draft !== null);
  const [saved, setSaved] = useState<TaskWork<Kind>['saved']>('no');
  const latest = useRef(content);
  const unsaved = useRef(false);
  const finished = useRef(false);
  const saving = useRef<Promise<unknown>>(Promise.resolve());
  const milliseconds = useWorkClock(task.milliseconds);

  const saveNow = useCallback(async () => {
    unsaved.current = false;
    setSaved('saving');
    try {
      await saveDraft(task.id, { content: latest.current, milliseconds: milliseconds() });
      setSaved(unsaved.current ? 'no' : 'yes');
      return true;
    } catch (error) {
      // Somebody else has the task by now, but the draft was kept, and may still be handed in.
      const kept = error instanceof RequestError && error.code === 'lease_lost';
      if (!kept) unsaved.current = true;
      setSaved(kept ? 'yes' : 'failed');
      return kept;
    }
  }, [task.id, milliseconds]);

  const save = useCallback(() => {
    if (finished.current) return Promise.resolve(false);
    const taken = saveNow();
    saving.current = Promise.all([saving.current, taken]);
    return taken;
  }, [saveNow]);

  const change = useCallback((next: Kind) => {
    latest.current = next;
    unsaved.current = true;
    setContent(next);
    setTouched(true);
    setSaved('no');
  }, []);

  const finish = useCallback(
    async <Result>(send: () => Promise<Result>) => {
      finished.current = true;
      await saving.current;
      try {
        return await send();
      } catch (error) {
        finished.current = false;
        if (unsaved.current) void save();
        throw error;
      }
    },
    [save],
  );

  useEffect(() => {
    // Runs again with each change, so that it saves when typing pauses.
    if (!unsaved.current || content !== latest.current) return;
    const timer = setTimeout(() => void save(), autosaveMilliseconds);
    return () => clearTimeout(timer);
  }, [content, save]);

  const leave = useEffectEvent(async () => {
    if (finished.current) return;
    if (unsaved.current) await save();
    await releaseTask(task.id).catch(() => undefined);
  });
  useEffect(() => {
    const beat = setInterval(() => {
      if (document.visibilityState === 'visible' && !finished.current) heartbeat(task.id).catch(() => undefined);
    }, heartbeatMilliseconds);
    const onHide = () => {
      if (unsaved.current) void save();
    };
    addEventListener('pagehide', onHide);
    return () => {
      clearInterval(beat);
      removeEventListener('pagehide', onHide);
      void leave();
    };
  }, [task.id, save]);

  return { content, change, save, milliseconds, touched, saved, finish };
}

/** Counts the time in which the page is in sight and somebody stirs now and then. */
function useWorkClock(before: number): () => number {
  const clock = useRef({ total: before, countedTo: 0, stirred: 0 });
  useEffect(() => {
    const current = clock.current;
    current.countedTo = current.stirred = performance.now();
    const stir = () => {
      current.stirred = performance.now();
    };
    const count = setInterval(() => countUp(current), 1_000);
    const events = ['pointermove', 'pointerdown', 'keydown', 'scroll'] as const;
    for (const name of events) addEventListener(name, stir, { passive: true, capture: true });
    return () => {
      clearInterval(count);
      for (const name of events) removeEventListener(name, stir, { capture: true });
    };
  }, []);
  return useCallback(() => {
    countUp(clock.current);
    return Math.round(clock.current.total);
  }, []);
}

function countUp(clock: { total: number; countedTo: number; stirred: number }): void {
  const now = performance.now();
  const until = Math.min(now, clock.stirred + idleMilliseconds);
  if (document.visibilityState === 'visible') clock.total += Math.max(0, until - clock.countedTo);
  clock.countedTo = now;
}
