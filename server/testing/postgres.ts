/**
 * A PostgreSQL of its own for the tests that run on both databases: from the system's package, in a temporary folder,
 * on a socket there, gone afterwards. Vitest calls it once per run (vitest.config.ts).
 */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of a database in which others can be created; absent where tests run on SQLite. */
    postgres?: string;
  }
}

const packages = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs, newest version first; null if it is not installed. */
export function postgresPrograms(): string | null {
  const versions = existsSync(packages) ? readdirSync(packages).sort((one, other) => Number(other) - Number(one)) : [];
  return (
    versions.map((version) => join(packages, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb'))) ?? null
  );
}

export default function startPostgres({ provide }: TestProject): () => void {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('PostgreSQL is not installed here: apt install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'parley-postgres-'));
  // PostgreSQL refuses to run as root; Debian's package has made a user for it.
  const owner = process.getuid?.() === 0 ? debianUser() : null;
  if (owner) chownSync(folder, owner.uid, owner.gid);

  const data = join(folder, 'data');
  const run = (program: string, ...args: string[]) =>
    execFileSync(join(programs, program), args, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  run('initdb', '-D', data, '-U', 'parley', '-A', 'trust', '--no-sync', '--locale=C.UTF-8', '--encoding=UTF8');
  // Nobody keeps these data; what is tested is the server, not PostgreSQL.
  const careless = ['fsync', 'synchronous_commit', 'full_page_writes'].map((option) => `-c ${option}=off`);
  const options = [`-c listen_addresses=`, `-k ${folder}`, '-c max_connections=300', ...careless].join(' ');
  run('pg_ctl', '-D', data, '-l', join(folder, 'log'), '-o', options, '-w', 'start');
  provide('postgres', `postgresql:///postgres?host=${folder}&user=parley`);

  return () => {
    run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
    rmSync(folder, { recursive: true, force: true });
  };
}

function debianUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}
