/**
 * A PostgreSQL of its own for the tests that run on both databases: from the system's package, in a temporary folder,
 * on a socket there, gone afterwards. Vitest calls it once per run (vitest.config.ts).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
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
  // Nobody keeps these data; what is tested is the server, not PostgreSQL.
  const cluster = new PostgresCluster(['fsync', 'synchronous_commit', 'full_page_writes'].map((name) => `${name}=off`));
  provide('postgres', cluster.url);
  return () => cluster.remove();
}

/** A PostgreSQL that runs until it is removed. */
export class PostgresCluster {
  /** Of a database in which others can be created. */
  readonly url: string;
  readonly #folder: string;
  readonly #programs: string;
  readonly #owner: { uid: number; gid: number } | null;
  readonly #options: string;

  /** @param settings as in postgresql.conf, `name=value` */
  constructor(settings: readonly string[] = []) {
    const programs = postgresPrograms();
    if (programs === null) throw new Error('PostgreSQL is not installed here: apt install postgresql');
    this.#programs = programs;
    this.#folder = mkdtempSync(join(tmpdir(), 'parley-postgres-'));
    // PostgreSQL refuses to run as root; Debian's package has made a user for it.
    this.#owner = process.getuid?.() === 0 ? debianUser() : null;
    if (this.#owner) chownSync(this.#folder, this.#owner.uid, this.#owner.gid);
    this.url = `postgresql:///postgres?host=${this.#folder}&user=parley`;
    this.#options = [
      ...['-c listen_addresses=', `-k ${this.#folder}`, '-c max_connections=300'],
      ...settings.map((setting) => `-c ${setting}`),
    ].join(' ');
    this.#run('initdb', '-U', 'parley', '-A', 'trust', '--no-sync', '--locale=C.UTF-8', '--encoding=UTF8');
    this.#run('pg_ctl', ...this.#startWords('start'));
  }

  /** As after a crash: every connection breaks, nobody is waited for. */
  async restart(): Promise<void> {
    const words = ['-D', this.#data, ...this.#startWords('restart'), '-m', 'immediate'];
    const child = spawn(join(this.#programs, 'pg_ctl'), words, { ...this.#owner, cwd: this.#folder, stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`PostgreSQL did not start again: pg_ctl ended with ${code}`);
  }

  remove(): void {
    this.#run('pg_ctl', '-m', 'immediate', '-w', 'stop');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  #startWords(action: 'start' | 'restart'): string[] {
    return ['-l', join(this.#folder, 'log'), '-o', this.#options, '-w', action];
  }

  #run(program: string, ...words: string[]): void {
    execFileSync(join(this.#programs, program), ['-D', this.#data, ...words], {
      ...this.#owner,
      ...{ cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    });
  }
}

function debianUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}
