import { allocate } from '../arena.ts';
import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Storage, Tensor } from '../tensor.ts';
import { rotaryTable } from './rotary.ts';
import { matrixExtents, shapeError } from './shape-error.ts';

export interface AttentionOptions {
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`: consecutive query heads share one. */
  readonly keyValueHeads: number;
  /** Width of one head; even. */
  readonly headDim: number;
  /** Rows of tokens; N = batch · length. */
  readonly batch: number;
  readonly length: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
  /** [N] first position in its own row that token i may attend to (packed documents); default 0. */
  readonly starts?: Int32Array;
}

/** log Σ exp(scores) of every row and head, [batch, heads, length]: probabilities are recomputed from it. */
type Saved = { logSumExp: Float32Array; output: Storage } | null;

const attentionOperation: Operation<readonly [qkv: Tensor], AttentionOptions, Saved, Storage, Storage> = {
  name: 'attention',
  roundedWhenRecorded: true,
  roundsOutputGradient: () => true,

  shape([qkv], options) {
    const { heads, headDim, batch, length, starts } = options;
    const [rows, columns] = matrixExtents('attention', 'qkv', qkv);
    checkHeads('attention', qkv, columns, options);
    if (rows !== batch * length) {
      throw shapeError('attention', { qkv }, `${batch * length} rows: batch ${batch} × length ${length}`);
    }
    if (starts !== undefined) checkStarts(starts, rows, length);
    return [rows, heads * headDim];
  },

  forward([qkv], options, output, records) {
    const { heads, keyValueHeads, headDim, batch, length, ropeTheta, starts } = options;
    const logSumExp = allocate(batch * heads * length);
    const rotary = rotaryTable(ropeTheta, headDim, length);
    native().attentionForward(
      qkv.stored,
      rotary,
      starts ?? null,
      output,
      logSumExp,
      batch,
      length,
      heads,
      keyValueHeads,
      headDim,
    );
    return records ? { logSumExp, output } : null;
  },

  gradient([qkv], options, saved, outputGradient, flow) {
    const target = flow.roundedTarget(qkv);
    if (target === null) return;
    const { heads, keyValueHeads, headDim, batch, length, ropeTheta, starts } = options;
    native().attentionBackward(
      qkv.stored,
      rotaryTable(ropeTheta, headDim, length),
      starts ?? null,
      saved!.output,
      saved!.logSumExp,
      outputGradient,
      target.data,
      target.add,
      batch,
      length,
      heads,
      keyValueHeads,
      headDim,
    );
  },
};

/**
 * Causal softmax attention with rotary position embedding (Su et al., 2021; Hugging Face's rotate-half convention)
 * and grouped queries (Ainslie et al., 2023). Scores are scaled by 1/√headDim. No T×T matrix is stored.
 *
 * @param qkv [batch · length, (heads + 2 keyValueHeads) · headDim]; in a row: query heads, key heads, value heads
 * @returns [batch · length, heads · headDim]
 */
export function attention(qkv: Tensor, options: AttentionOptions): Tensor {
  return apply(attentionOperation, [qkv], options);
}

/** The head layout rule that training and cached attention share. */
export function checkHeads(
  operation: string,
  qkv: Tensor,
  columns: number,
  layout: Pick<AttentionOptions, 'heads' | 'keyValueHeads' | 'headDim'>,
): void {
  const { heads, keyValueHeads, headDim } = layout;
  if (heads < 1 || keyValueHeads < 1 || heads % keyValueHeads !== 0) {
    throw new RangeError(
      `${operation}: ${keyValueHeads} key/value heads do not divide ${heads} query heads; choose a divisor.`,
    );
  }
  if (headDim < 2 || headDim % 2 !== 0) {
    throw new RangeError(`${operation}: headDim is ${headDim}; the rotary embedding needs an even number.`);
  }
  const expected = (heads + 2 * keyValueHeads) * headDim;
  if (columns !== expected) {
    throw shapeError(
      operation,
      { qkv },
      `${expected} columns: (${heads} query + 2 · ${keyValueHeads} key/value heads) · headDim ${headDim}`,
    );
  }
}

function checkStarts(starts: Int32Array, rows: number, length: number): void {
  if (starts.length !== rows) {
    throw new RangeError(`attention: starts has ${starts.length} entries; expected ${rows}, one per row of qkv.`);
  }
  for (let row = 0; row < rows; row++) {
    const start = starts[row]!;
    const position = row % length;
    if (start < 0 || start > position) {
      throw new RangeError(
        `attention: starts[${row}] is ${start}; token ${position} of its row can start at 0 to ${position}.`,
      );
    }
  }
}
