/** The arithmetic that losses are put together from: sums, products and averages of whole tensors. */
import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { shapeError } from './shape-error.ts';

type Pair = readonly [a: Tensor, b: Tensor];
type Single = readonly [a: Tensor];

function sameShape(operation: string, a: Tensor, b: Tensor): readonly number[] {
  if (a.shape.length !== b.shape.length || a.shape.some((extent, axis) => extent !== b.shape[axis])) {
    throw shapeError(operation, { a, b }, 'two equal shapes');
  }
  return a.shape;
}

const addOperation: Operation<Pair, undefined, null> = {
  name: 'add',
  shape: ([a, b]) => sameShape('add', a, b),
  forward([a, b], _options, output) {
    native().add(a.data, b.data, output);
    return null;
  },
  gradient([a, b], _options, _saved, outputGradient, flow) {
    flow.give(a, outputGradient);
    flow.give(b, outputGradient);
  },
};

const multiplyOperation: Operation<Pair, undefined, null> = {
  name: 'multiply',
  shape: ([a, b]) => sameShape('multiply', a, b),
  forward([a, b], _options, output) {
    native().multiply(a.data, b.data, output, false);
    return null;
  },
  gradient([a, b], _options, _saved, outputGradient, flow) {
    const da = flow.target(a);
    if (da !== null) native().multiply(outputGradient, b.data, da.data, da.add);
    const db = flow.target(b);
    if (db !== null) native().multiply(outputGradient, a.data, db.data, db.add);
  },
};

const scaleOperation: Operation<Single, { factor: number }, null> = {
  name: 'scale',
  shape: ([a]) => a.shape,
  forward([a], { factor }, output) {
    native().scale(a.data, factor, output, false);
    return null;
  },
  gradient([a], { factor }, _saved, outputGradient, flow) {
    const da = flow.target(a);
    if (da !== null) native().scale(outputGradient, factor, da.data, da.add);
  },
};

const sumOperation: Operation<Single, { factor: number }, null> = {
  name: 'sum',
  shape: () => [],
  forward([a], { factor }, output) {
    output[0] = native().sum(a.data) * factor;
    return null;
  },
  gradient([a], { factor }, _saved, outputGradient, flow) {
    const da = flow.target(a);
    if (da === null) return;
    const share = outputGradient[0]! * factor;
    if (!da.add) da.data.fill(share);
    else for (let index = 0; index < da.data.length; index++) da.data[index]! += share;
  },
};

/** a + b, of equal shapes. */
export function add(a: Tensor, b: Tensor): Tensor {
  return apply(addOperation, [a, b], undefined);
}

/** a · b element by element, of equal shapes. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return apply(multiplyOperation, [a, b], undefined);
}

/** a · factor. */
export function scale(a: Tensor, factor: number): Tensor {
  return apply(scaleOperation, [a], { factor });
}

/** The sum of all elements, accumulated in double precision in a fixed order; a scalar of shape []. */
export function sum(a: Tensor): Tensor {
  return apply(sumOperation, [a], { factor: 1 });
}

/** The average of all elements; a scalar of shape []. */
export function mean(a: Tensor): Tensor {
  if (a.size === 0) throw shapeError('mean', { a }, 'at least one element');
  return apply(sumOperation, [a], { factor: 1 / a.size });
}
