/** The server as people start it: `parley serve` in a process of its own, with a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serverEnvironment } from '@parley/server/test-database';

const root = join(import.meta.dirname, '..');

export interface ParleyServer {
  url: string;
  home: string;
  /** Ends it as Ctrl-C does. */
  close(): Promise<void>;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
}

interface ParleyServerOptions {
  modelFolder: string;
  /** 0 takes any free one. */
  port?: number;
  home?: string;
  /** As the flag of `parley serve`; none unless a journey wants them, so that every answer comes alone. */
  draftsEvery?: number;
}

/** Resolves when the model is loaded; builds the page first if it is missing or old. */
export async function startParley(options: ParleyServerOptions): Promise<ParleyServer> {
  const { modelFolder, port = 0, draftsEvery = 0, home = mkdtempSync(join(tmpdir(), 'parley-home-')) } = options;
  const { PORT: _, ...environment } = await serverEnvironment(home);
  const child = spawn(
    process.execPath,
    [
      ...[join(root, 'cli/bin.mjs'), 'serve', '--port', String(port), '--model', modelFolder],
      ...['--drafts-every', String(draftsEvery)],
    ],
    { cwd: root, env: { ...environment, PARLEY_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const url = await urlFrom(child);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return { url, home, close: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

async function urlFrom(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr! })) {
    said.push(line);
    const url = /^Parley is at (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    // Nobody reads on, but a full pipe would stall the server.
    child.stderr!.resume();
    return url;
  }
  throw new Error(`parley serve ended before it was ready:\n${said.join('\n')}`);
}

/** The model that ships with Parley, or null in a checkout without one. */
export function shippedModel(): string | null {
  const models = join(root, 'models');
  const name = existsSync(models)
    ? readdirSync(models)
        .sort()
        .find((entry) => existsSync(join(models, entry, 'config.json')))
    : undefined;
  return name === undefined ? null : join(models, name);
}
