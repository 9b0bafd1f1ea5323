/**
 * Where to cut a set of weights so that only the largest stay: as many as a count asks for (top-k), or as few as
 * reach a sum (top-p). Quickselect (Hoare 1961) answers both in linear expected time: partition around a pivot, add up
 * what lies above it, and go on in the half in which the target is reached.
 */

export interface CutOff {
  /** Weights above this one stay. */
  weight: number;
  /** Of the weights equal to it, this many stay. */
  ties: number;
}

/**
 * @param weights not negative; reordered
 * @param target the number of weights to keep, or the sum that the kept ones have to reach
 * @returns a cut-off that keeps the fewest of the largest weights that reach the target; all if they do not
 */
export function findCutOff(weights: Float64Array, target: number, measure: 'count' | 'sum'): CutOff {
  let low = 0;
  let high = weights.length - 1;
  let missing = target;
  while (low <= high) {
    const pivot = medianOfThree(weights[low]!, weights[(low + high) >> 1]!, weights[high]!);
    // [low, above) > pivot, [above, i) = pivot, (below, high] < pivot.
    let above = low;
    let below = high;
    let sumAbove = 0;
    for (let i = low; i <= below; ) {
      const weight = weights[i]!;
      if (weight > pivot) {
        weights[i++] = weights[above]!;
        weights[above++] = weight;
        sumAbove += weight;
      } else if (weight < pivot) {
        weights[i] = weights[below]!;
        weights[below--] = weight;
      } else i++;
    }
    const equal = below - above + 1;
    const [reachedAbove, each] = measure === 'count' ? [above - low, 1] : [sumAbove, pivot];
    if (reachedAbove >= missing) {
      high = above - 1;
      continue;
    }
    missing -= reachedAbove;
    if (equal * each >= missing) return { weight: pivot, ties: Math.ceil(missing / each) };
    missing -= equal * each;
    low = below + 1;
  }
  // Only rounding, or a target larger than the whole, comes here.
  return { weight: Number.NEGATIVE_INFINITY, ties: 0 };
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
