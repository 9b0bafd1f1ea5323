/** Loss over held-out text: windows that do not overlap and together cover every token but the first. */
import { inference } from '@parley/engine';
import { type PackedRows, takeRows } from '@parley/lm/data';
import type { Llama } from '@parley/lm/models';

export interface HeldOutLoss {
  /** Nats per token. */
  loss: number;
  /** Sum over all predicted tokens. */
  nats: number;
  /** Tokens that were predicted. */
  tokens: number;
}

/**
 * @param options.batches take only so many batches, spread evenly over the part; 0 or absent takes all of it
 * @throws RangeError if there are fewer than two tokens
 */
export function heldOutLoss(
  model: Llama,
  tokens: ArrayLike<number>,
  { batch, batches = 0 }: { batch: number; batches?: number },
): HeldOutLoss {
  if (tokens.length < 2) {
    throw new RangeError(`the validation part has ${tokens.length} tokens, at least 2 are needed; add text`);
  }
  const length = model.config.max_position_embeddings;
  const windows = Math.ceil((tokens.length - 1) / length);
  const wanted = batches > 0 ? Math.min(windows, batches * batch) : windows;
  const result = { loss: 0, nats: 0, tokens: 0 };
  for (let first = 0; first < wanted; first += batch) {
    const rows = Math.min(batch, wanted - first);
    const ids = new Int32Array(rows * length);
    const targets = new Int32Array(rows * length).fill(-1);
    for (let row = 0; row < rows; row++) {
      const start = Math.floor(((first + row) * windows) / wanted) * length;
      const count = Math.min(length, tokens.length - 1 - start);
      for (let t = 0; t < count; t++) {
        ids[row * length + t] = tokens[start + t]!;
        targets[row * length + t] = tokens[start + t + 1]!;
      }
      result.tokens += count;
    }
    const logProbabilities = inference(() => model.loss(ids, targets, { batch: rows, length }).logProbabilities);
    for (const value of logProbabilities) result.nats -= value;
  }
  result.loss = result.nats / result.tokens;
  return result;
}

/**
 * Loss over the counted tokens of packed conversations.
 * @param batch rows at a time
 */
export function heldOutRowsLoss(model: Llama, rows: PackedRows, batch: number): HeldOutLoss {
  const result = { loss: 0, nats: 0, tokens: 0 };
  for (let first = 0; first < rows.count; first += batch) {
    const numbers = Array.from({ length: Math.min(batch, rows.count - first) }, (_, index) => first + index);
    const part = takeRows(rows, numbers);
    const layout = { batch: part.count, length: part.length, starts: part.starts };
    const logProbabilities = inference(() => model.loss(part.ids, part.targets, layout).logProbabilities);
    for (const value of logProbabilities) result.nats -= value;
    result.tokens += part.counted;
  }
  result.loss = result.nats / result.tokens;
  return result;
}

/** Bits per UTF-8 byte: what a compressor built on the model would need, comparable across tokenizers. */
export function bitsPerByte(nats: number, bytes: number): number {
  return nats / Math.LN2 / bytes;
}
