/**
 * Many open streams at once: `npx tsx server/testing/measure-streams.ts [STREAMS] [SECONDS]` starts a server whose
 * model is a clock, opens the streams, lets one reader read nothing at all, and prints how long a token takes from the
 * worker's hand to the reader's, and what the server's memory does meanwhile. Reader, server and worker share this
 * machine, so the figure holds the work of all three.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { writeTinyModel } from './tiny-model.ts';

const [streams = 300, seconds = 60] = process.argv.slice(2).map(Number);
const tokensPerSecond = 10;
/** Before all streams are open, nothing is measured. */
const settlingSeconds = 5;

const home = mkdtempSync(join(tmpdir(), 'parley-streams-'));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

const server: ChildProcess = spawn(
  process.execPath,
  ['--import', tsx, join(import.meta.dirname, 'serve.ts'), writeTinyModel(), home],
  {
    env: { ...process.env, PARLEY_TEST_WORKER: join(import.meta.dirname, 'echo-worker.ts') },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
try {
  const [url] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
  const cookie = await register(url);
  const latencies: number[] = [];
  const memory: number[] = [];
  const opened = performance.now();
  const responses = await Promise.all(Array.from({ length: streams }, () => openStream(url, cookie)));
  process.stdout.write(`${streams} streams open after ${((performance.now() - opened) / 1000).toFixed(1)} s\n`);
  const [stalled, ...read] = responses;
  stalled!.pause();
  const measureFrom = performance.now() + settlingSeconds * 1000;
  const ends = read.map((response) => follow(response, measureFrom, latencies));
  const watch = setInterval(() => memory.push(residentBytes(server.pid!)), 1_000);
  await Promise.race([Promise.all(ends), sleep((seconds + settlingSeconds) * 1000)]);
  clearInterval(watch);
  report(latencies, memory);
} finally {
  server.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
  process.exit(0);
}

async function register(url: string): Promise<string> {
  const account = { name: 'Bench', email: 'bench@example.org', password: 'a password for measuring' };
  const response = await fetch(`${url}/api/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.headers.get('set-cookie')!.split(';', 1)[0]!;
}

async function openStream(url: string, cookie: string): Promise<IncomingMessage> {
  const conversation = (await (await post(url, '/api/conversations', cookie, {})).toArray()) as Buffer[];
  const { id } = JSON.parse(Buffer.concat(conversation).toString()) as { id: string };
  const content = `@clock ${tokensPerSecond} ${seconds + 60}`;
  const response = await post(url, `/api/conversations/${id}/messages`, cookie, { content });
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${(await response.toArray()).join('')}`);
  return response;
}

function post(url: string, path: string, cookie: string, body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', cookie };
    request(`${url}${path}`, { agent, method: 'POST', headers }, resolve).on('error', reject).end(JSON.stringify(body));
  });
}

async function follow(response: IncomingMessage, from: number, latencies: number[]): Promise<void> {
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const now = performance.now();
    if (now < from) continue;
    for (const [, text] of (chunk as string).matchAll(/"type":"delta","text":"([^"]*)"/g)) {
      for (const sent of text!.split('\\n')) {
        if (/^[a-j]{16}$/.test(sent)) latencies.push(performance.timeOrigin + now - sentAt(sent));
      }
    }
  }
}

/** What echo-worker.ts writes: microseconds, in letters. */
function sentAt(letters: string): number {
  return Number(letters.replace(/./g, (letter) => String(letter.charCodeAt(0) - 97))) / 1000;
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

function report(latencies: number[], memory: number[]): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN).toFixed(1);
  const megabytes = (bytes: number | undefined) => ((bytes ?? Number.NaN) / 1e6).toFixed(0);
  const quarter = Math.floor(memory.length / 4);
  process.stdout.write(
    `${latencies.length} tokens in ${seconds} s; latency p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms\n` +
      `server memory ${megabytes(memory[0])} MB at first, ${megabytes(memory[quarter])} MB after a quarter, ${megabytes(memory.at(-1))} MB at the end\n`,
  );
}
