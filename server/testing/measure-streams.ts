/**
 * Many open streams at once: `npx tsx server/testing/measure-streams.ts [STREAMS] [SECONDS]` starts a server whose
 * model is a clock, opens the streams, and prints how long a token takes from the worker's hand to the reader's, what
 * processor time the server spends on it, by how much its event loop is late, and what its memory does meanwhile. An
 * answer lasts half a minute to one and a half, then its reader asks anew. One more reader, of a faster answer, reads
 * nothing at all. Ends with 1 if a promise is broken.
 *
 * Readers, server and worker share this machine, so latency holds the work of all three; the server's processor time
 * per token is its own, and comparable on a busy machine too. Node's options are also the server's:
 * `node --cpu-prof --import tsx server/testing/measure-streams.ts` writes the profiles of both.
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
import type { ProcessFigures } from './process-figures.ts';
import { echoWorker, writeTinyModel } from './tiny-model.ts';

const [streams = 300, seconds = 60] = process.argv.slice(2).map(Number);
const tokensPerSecond = 10;
/** Fast enough to fill what the system buffers between the server and a reader that reads nothing. */
const stalledTokensPerSecond = 100;
/** An open answer holds its own text, so memory is flat only where answers end as others begin. */
const answerSeconds = { shortest: 30, longest: 90 };
/** Before all streams are open, nothing is measured. */
const settlingSeconds = 5;
/** Collecting what is not used any more holds the server up, so it is seldom asked for. */
const heapEverySeconds = 15;

const promisedLatency = 50;
/** Of the median of the first minute, or quarter: more is no longer flat. */
const allowedGrowth = 1.1;

const home = mkdtempSync(join(tmpdir(), 'parley-streams-'));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const figures = pathToFileURL(join(import.meta.dirname, 'process-figures.ts')).href;
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

interface Measured {
  latencies: number[];
  /** Bytes each second. */
  resident: number[];
  /** Bytes after a collection, now and then. */
  heap: number[];
  /** Over the time that was measured. */
  server: Omit<ProcessFigures, 'heapBytes'>;
}

const server: ChildProcess = spawn(
  process.execPath,
  [
    ...[...process.execArgv, '--expose-gc', '--import', tsx, '--import', figures],
    ...[join(import.meta.dirname, 'serve.ts'), writeTinyModel(), home],
  ],
  { env: { ...process.env, PARLEY_TEST_WORKER: echoWorker }, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
);
let broken = true;
try {
  const [url] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
  broken = report(await measure(url, await register(url)));
} finally {
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await exited;
  rmSync(home, { recursive: true, force: true });
  process.exit(broken ? 1 : 0);
}

async function measure(url: string, cookie: string): Promise<Measured> {
  const opened = performance.now();
  const stalled = await openStream(url, cookie, stalledTokensPerSecond, seconds + 60);
  stalled.on('error', () => {});
  const { shortest, longest } = answerSeconds;
  const open = (index: number) =>
    openStream(url, cookie, tokensPerSecond, Math.round(shortest + ((longest - shortest) * index) / streams));
  const responses = await Promise.all(Array.from({ length: streams }, (_, index) => open(index)));
  process.stdout.write(`${streams} streams open after ${((performance.now() - opened) / 1000).toFixed(1)} s\n`);
  const latencies: number[] = [];
  const resident: number[] = [];
  const measureFrom = performance.now() + settlingSeconds * 1000;
  const measureTo = measureFrom + seconds * 1000;
  const readers = responses.map(async (first, index) => {
    for (let response = first; ; response = await open(index)) {
      await follow(response, measureFrom, measureTo, latencies);
      if (performance.now() >= measureTo) return;
    }
  });
  await sleep(settlingSeconds * 1000);

  const { heapBytes, processorMilliseconds: before } = await figuresOf(server, true);
  const heap = [heapBytes];
  const lateness: ProcessFigures[] = [];
  for (let second = 1; second <= seconds; second++) {
    await sleep(measureFrom + second * 1000 - performance.now());
    resident.push(residentBytes(server.pid!));
    if (second % heapEverySeconds !== 0 && second !== seconds) continue;
    lateness.push(await figuresOf(server, true));
    heap.push(lateness.at(-1)!.heapBytes);
  }
  await Promise.all(readers);
  const worst = (pick: (figures: ProcessFigures) => number) => median(lateness.map(pick));
  return {
    ...{ latencies: [...latencies], resident, heap },
    server: {
      processorMilliseconds: lateness.at(-1)!.processorMilliseconds - before,
      loopUtilization: worst(({ loopUtilization }) => loopUtilization),
      loopDelay: {
        ...{ p50: worst(({ loopDelay }) => loopDelay.p50), p95: worst(({ loopDelay }) => loopDelay.p95) },
        ...{ p99: worst(({ loopDelay }) => loopDelay.p99), max: worst(({ loopDelay }) => loopDelay.max) },
      },
    },
  };
}

async function figuresOf(child: ChildProcess, collect: boolean): Promise<ProcessFigures> {
  child.send(collect);
  const [answer] = (await once(child, 'message')) as [ProcessFigures];
  return answer;
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

async function openStream(url: string, cookie: string, perSecond: number, lasting: number): Promise<IncomingMessage> {
  const conversation = (await (await post(url, '/api/conversations', cookie, {})).toArray()) as Buffer[];
  const { id } = JSON.parse(Buffer.concat(conversation).toString()) as { id: string };
  const content = `@clock ${perSecond} ${lasting}`;
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

async function follow(response: IncomingMessage, from: number, to: number, latencies: number[]): Promise<void> {
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const now = performance.now();
    if (now < from) continue;
    if (now >= to) return;
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

/** Prints what was measured; true if a promise is broken. */
function report({ latencies, resident, heap, server: { loopDelay, ...taken } }: Measured): boolean {
  latencies.sort((one, other) => one - other);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  const milliseconds = (values: number[]) => values.map((value) => value.toFixed(1)).join(' / ');
  // The stalled reader's tokens are written and logged like all others.
  const tokens = latencies.length * (1 + stalledTokensPerSecond / (streams * tokensPerSecond));
  const perToken = (taken.processorMilliseconds * 1000) / tokens;
  const processor = taken.processorMilliseconds / 10 / seconds;
  process.stdout.write(
    [
      `${latencies.length} tokens read of ${streams * tokensPerSecond * seconds} in ${seconds} s`,
      `latency p50 / p95 / p99 / max ${milliseconds([0.5, 0.95, 0.99, 1].map(at))} ms`,
      `the server's processor time ${perToken.toFixed(0)} us a token, ${processor.toFixed(0)} % of a core`,
      `its event loop late by p50 / p95 / p99 / max ${milliseconds(Object.values(loopDelay))} ms (medians of ${heapEverySeconds} s), busy ${(taken.loopUtilization * 100).toFixed(0)} %`,
      `resident memory ${growth(resident, 60)}`,
      `heap after collections ${growth(heap, 60 / heapEverySeconds)}`,
      '',
    ].join('\n'),
  );
  const kept: [promise: string, kept: boolean][] = [
    [`p95 under ${promisedLatency} ms`, at(0.95) < promisedLatency],
    ['every token read', latencies.length > 0.99 * streams * tokensPerSecond * seconds],
    ['memory flat', grown(heap, 60 / heapEverySeconds) < allowedGrowth],
  ];
  const missed = kept.filter(([, isKept]) => !isKept).map(([promise]) => promise);
  if (missed.length > 0) process.stdout.write(`NOT KEPT: ${missed.join(', ')}\n`);
  return missed.length > 0;
}

function growth(values: readonly number[], perMinute: number): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  const { first, last } = ends(values, perMinute);
  return `${megabytes(first)} MB in the first minute, ${megabytes(last)} MB in the last, ${megabytes(Math.max(...values))} MB at most`;
}

function grown(values: readonly number[], perMinute: number): number {
  const { first, last } = ends(values, perMinute);
  return last / first;
}

/** Medians of the first and last minute, or quarter if there are less than four minutes. */
function ends(values: readonly number[], perMinute: number): { first: number; last: number } {
  const count = Math.max(1, Math.min(perMinute, Math.floor(values.length / 4)));
  return { first: median(values.slice(0, count)), last: median(values.slice(-count)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
