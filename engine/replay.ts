/**
 * Computations made again without their TypeScript.
 *
 * A decoding step calls the same kernels on the same arrays as the step before: tensors come from the arena, which
 * gives out the same places, and only the contents of the inputs change. `Replay` records the kernel calls of one such
 * computation and makes them again as long as nothing else has changed, in one native call.
 *
 *     step 1   compute()   embedding → normedLinear → cachedAttention → … → logits     recorded
 *     step 2   replay      the same kernels, the same memory, new contents of ids and positions
 *
 * Results have the same bits. What an operation does beside calling kernels is not repeated: checks (kernels check what
 * memory safety needs themselves) and preparations, which are the caller's to make, such as KeyValueCache.open.
 */
import { type ArenaMark, arenaMark, releaseTo } from './arena.ts';
import { native, type Precision, precision, type RecordedCalls } from './native/addon.ts';
import { filled, records } from './tape.ts';
import type { Tensor } from './tensor.ts';

interface Recorded {
  readonly inputs: object;
  readonly layout: object;
  readonly precision: Precision;
  readonly begin: ArenaMark;
  readonly end: ArenaMark;
  readonly calls: RecordedCalls;
  readonly output: Float32Array;
  readonly shape: readonly number[];
}

export class Replay {
  #recorded: Recorded | null = null;

  /**
   * compute(), or the kernel calls that it made the last time if all of this is as it was then. Inside `inference`.
   *
   * @param inputs stands for the arrays that compute() reads: the same object as long as they are the same arrays,
   *   whose contents may change
   * @param layout stands for the weights: ParameterSet.layout
   * @param compute makes a tensor by operations, and does nothing that would have to be repeated beside them
   * @throws Error where gradients are recorded, or if compute() calls a kernel that returns something to JavaScript
   */
  run(inputs: object, layout: object, compute: () => Tensor): Tensor {
    const begin = arenaMark();
    const recorded = this.#recorded;
    if (recorded === null || !fits(recorded, inputs, layout, begin)) {
      this.#recorded = null;
      const { calls, result: output } = recordCalls(compute);
      if (records([output]))
        throw new Error('Replay.run keeps nothing for gradients; call it inside inference(() => …).');
      const end = arenaMark();
      const { data, shape } = output;
      this.#recorded = { inputs, layout, precision: precision(), begin, end, calls, output: data, shape };
      return output;
    }
    native().replay(recorded.calls);
    releaseTo(recorded.end);
    return filled('Replay.run', recorded.output, recorded.shape);
  }
}

function fits(recorded: Recorded, inputs: object, layout: object, begin: ArenaMark): boolean {
  return (
    recorded.inputs === inputs &&
    recorded.layout === layout &&
    recorded.precision === precision() &&
    recorded.begin.block === begin.block &&
    recorded.begin.offset === begin.offset &&
    recorded.begin.allocations === begin.allocations
  );
}

function recordCalls<T>(fn: () => T): { calls: RecordedCalls; result: T } {
  native().startRecording();
  let result: T;
  try {
    result = fn();
  } catch (error) {
    native().stopRecording();
    throw error;
  }
  return { calls: native().stopRecording(), result };
}
