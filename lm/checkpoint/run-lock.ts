/**
 * One process at a time in a run directory, without a daemon and surviving kill -9.
 *
 * Node offers no kernel file lock, so the lock is a file that names its holder. Taking over from a dead holder must
 * itself be free of races: two newcomers that both see the same dead holder must not both get in. Hence generations:
 * the holder is whoever owns the highest-numbered `lock.N`. A newcomer that finds `lock.N` held by a dead process
 * tries to create `lock.N+1`, complete and exclusively (link(2) of a file written beforehand); one of several
 * newcomers succeeds, the others find the winner. A newcomer so slow that generations passed it by sees, once its
 * file stands, that a higher one exists, and steps back.
 *
 * A process is the same one if its id is alive and it started at the recorded time (Linux reuses ids after a reboot
 * or in a fresh container, where id 1 always lives).
 */
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface RunLock {
  release(): void;
}

/** Another live process works in the directory. */
export class RunLockedError extends Error {
  override name = 'RunLockedError';
  readonly pid: number;
  constructor(folder: string, pid: number, advice: string) {
    super(`${folder} is in use by process ${pid}; ${advice}`);
    this.pid = pid;
  }
}

/** A process, told from later ones that get the same id. */
export interface ProcessIdentity {
  pid: number;
  /** When it was started: see startOf. */
  started: string;
}

interface Holder extends ProcessIdentity {
  host: string;
}

/** @throws RunLockedError naming the process that holds the lock */
export function lockFolder(folder: string): RunLock {
  const draft = join(folder, `lock.draft-${process.pid}`);
  const own: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  writeFileSync(draft, JSON.stringify(own));
  try {
    for (;;) {
      const seen = highestGeneration(folder);
      if (seen > 0) refuseIfAlive(folder, seen);
      const path = join(folder, `lock.${seen + 1}`);
      if (!linkExclusively(draft, path)) continue;
      if (highestGeneration(folder) > seen + 1) {
        rmSync(path, { force: true });
        continue;
      }
      for (const generation of generations(folder)) {
        if (generation <= seen) rmSync(join(folder, `lock.${generation}`), { force: true });
      }
      return { release: () => rmSync(path, { force: true }) };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

function refuseIfAlive(folder: string, generation: number): void {
  const path = join(folder, `lock.${generation}`);
  const holder = readHolder(path);
  if (holder === null) return;
  if (holder.host !== hostname()) {
    throw new RunLockedError(folder, holder.pid, `it runs on host '${holder.host}'; if it is gone, remove ${path}`);
  }
  if (isAlive(holder)) {
    throw new RunLockedError(folder, holder.pid, 'wait for it to end, stop it, or choose another directory');
  }
}

/** Null for a lock that was released since it was listed, or that we did not write. */
function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** The live process of this machine that works in the folder, if any. */
export function holderOf(folder: string): ProcessIdentity | null {
  const generation = existsSync(folder) ? highestGeneration(folder) : 0;
  const holder = generation > 0 ? readHolder(join(folder, `lock.${generation}`)) : null;
  return holder && holder.host === hostname() && isAlive(holder) ? holder : null;
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(pid) === started;
}

/** When a process started, in clock ticks since boot plus the boot's id; '' where the system does not say (macOS). */
export function startOf(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces; the start time is the 20th field after it.
    const [state, ...after] = fields.slice(fields.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, whoever has not taken notice of it.
    if (state === 'Z') return '';
    const ticks = after[18];
    return `${ticks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return '';
  }
}

function generations(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number);
}

function highestGeneration(folder: string): number {
  return Math.max(0, ...generations(folder));
}

function linkExclusively(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
