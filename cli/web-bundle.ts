/** The chat page as files to serve: built when it is missing or older than its sources. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folder with the built page, after building it if need be (about five seconds). */
export function ensureWebBundle(say: (line: string) => void): string {
  const web = join(root, 'web');
  const bundle = join(web, 'dist');
  if (isFresh(join(bundle, 'index.html'), [web, join(root, 'contracts')])) return bundle;
  say('building the page …');
  const vite = createRequire(join(web, 'package.json')).resolve('vite/package.json');
  const result = spawnSync(process.execPath, [join(vite, '..', 'bin', 'vite.js'), 'build'], {
    cwd: web,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.status !== 0) {
    const reason = (result.stderr || result.stdout || String(result.error)).trim().split('\n').slice(-3).join(' ');
    throw new Error(`the page could not be built; \`npm run build:web\` shows all of it: ${reason}`);
  }
  return bundle;
}

function isFresh(built: string, sourceFolders: string[]): boolean {
  if (!existsSync(built)) return false;
  const time = statSync(built).mtimeMs;
  return sourceFolders.every((folder) => newestIn(folder) <= time);
}

function newestIn(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.includes('.test.')) continue;
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : statSync(path).mtimeMs);
  }
  return newest;
}
