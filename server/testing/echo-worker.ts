/**
 * Stands in for the inference worker and loads no model: every answer is its question again, a few characters at a
 * time. A question `@clock 10 30` is answered by the time instead, ten times a second for thirty seconds: epoch
 * microseconds, one to a line, with letters for digits, since filters look twice at long numbers.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type ChatMessage, manifestSchema } from '@parley/contracts';
import { Outbox } from '../inference/outbox.ts';
import type { ToWorker } from '../inference/protocol.ts';

const charactersPerPiece = 3;
const millisecondsPerPiece = 20;
const clock = /@clock (\d+) (\d+)\s*$/;
const running = new Map<number, NodeJS.Timeout>();
const outbox = new Outbox();

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToWorker) => {
  if (message.type === 'cancel') end(message.id, 'cancelled');
  else if ('messages' in message.job) answer(message.id, message.job.messages);
});

function answer(id: number, messages: readonly ChatMessage[]): void {
  const question = messages.at(-1)!.content;
  outbox.send({ type: 'accepted', id, promptTokens: [1], droppedTurns: 0 });
  const asked = clock.exec(question);
  if (asked) {
    const [perSecond, seconds] = [Number(asked[1]), Number(asked[2])];
    let left = perSecond * seconds;
    every(id, 1000 / perSecond, () => (left-- > 0 ? `${clockText()}\n` : null));
    return;
  }
  let place = 0;
  every(id, millisecondsPerPiece, () => {
    const text = question.slice(place, place + charactersPerPiece);
    place += charactersPerPiece;
    return text === '' ? null : text;
  });
}

/** 'a' for 0 to 'j' for 9. */
function clockText(): string {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  return String(microseconds).replace(/\d/g, (digit) => String.fromCharCode(97 + Number(digit)));
}

function every(id: number, milliseconds: number, next: () => string | null): void {
  const timer = setInterval(() => {
    const text = next();
    if (text === null) end(id, 'stop');
    else outbox.piece(id, { text, tokens: [{ id: 1 }] });
  }, milliseconds);
  running.set(id, timer);
}

function end(id: number, reason: 'stop' | 'cancelled'): void {
  const timer = running.get(id);
  if (timer === undefined) return;
  clearInterval(timer);
  running.delete(id);
  outbox.send({ type: 'finished', id, reason });
}

const [modelFolder] = process.argv.slice(2) as [string];
const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(modelFolder, 'manifest.json'), 'utf8')));
outbox.send({
  type: 'ready',
  model: {
    id: manifest.name,
    parameters: manifest.parameters,
    context: 100_000,
    weightsHash: manifest.weightsHash,
    createdAt: Date.parse(manifest.createdAt),
    slots: 1_000,
    sampling: {},
    manifest,
  },
});
