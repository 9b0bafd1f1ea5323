import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { native, type Precision, setPrecision } from './native/addon.ts';
import { fillNormal } from './nn/initialize.ts';
import { ParameterSet } from './nn/parameter-set.ts';
import { sum } from './ops/elementwise.ts';
import { embedding } from './ops/embedding.ts';
import { linear } from './ops/linear.ts';
import { rmsNorm } from './ops/rms-norm.ts';
import { Random } from './random.ts';
import { Replay } from './replay.ts';
import { inference, scope } from './tape.ts';
import { type Tensor, tensor } from './tensor.ts';

afterEach(() => setPrecision('bf16'));

const [vocabulary, width] = [50, 48];

/** A computation with packed weights that depends on `ids`, and how often it was made by TypeScript. */
function smallModel() {
  const random = new Random(7);
  const parameters = new ParameterSet([
    { name: 'embedding', shape: [vocabulary, width], decay: true },
    { name: 'gain', shape: [width], decay: false },
    { name: 'inner', shape: [width, width], decay: true },
  ]);
  for (const { name } of parameters.specs) fillNormal(parameters.get(name), random, 1);
  const model = {
    parameters,
    computations: 0,
    compute(ids: Int32Array): Tensor {
      model.computations++;
      const stream = embedding(ids, parameters.get('embedding'));
      const inner = linear(stream, parameters.get('inner'), stream);
      return linear(rmsNorm(inner, parameters.get('gain'), 1e-5), parameters.get('embedding'));
    },
    /** What it gives without a replay. */
    fresh: (ids: Int32Array): Float32Array => inference(() => model.compute(ids).data.slice()),
  };
  return model;
}

type SmallModel = ReturnType<typeof smallModel>;

function run(replay: Replay, model: SmallModel, ids: Int32Array): Float32Array {
  return inference(() => replay.run(ids, model.parameters.layout, () => model.compute(ids)).data.slice());
}

describe('Replay', () => {
  it.each<Precision>(['f32', 'bf16'])(
    'gives the bits of the computation for new contents, without it (%s)',
    (products) => {
      setPrecision(products);
      const model = smallModel();
      model.parameters.pack();
      const replay = new Replay();
      const ids = new Int32Array(3);
      const expected: Float32Array[] = [];
      for (let step = 0; step < 5; step++) expected.push(model.fresh(ids.map((_, row) => 7 * step + row)));
      model.computations = 0;
      for (const [step, logits] of expected.entries()) {
        for (let row = 0; row < 3; row++) ids[row] = 7 * step + row;
        expect(run(replay, model, ids)).toEqual(logits);
      }
      expect(expected[1]).not.toEqual(expected[0]);
      expect(model.computations).toBe(1);
    },
  );

  it('computes again when the arrays, the layout of the weights, the precision or the place in the arena change', () => {
    const model = smallModel();
    const replay = new Replay();
    const ids = Int32Array.of(1, 2);
    const expectComputed = (times: number, given = ids) => {
      model.computations = 0;
      const logits = [run(replay, model, given), run(replay, model, given)];
      expect(model.computations).toBe(times);
      for (const each of logits) expect(each).toEqual(model.fresh(given));
    };
    expectComputed(1);
    expectComputed(0);
    expectComputed(1, Int32Array.of(4, 5, 6));
    model.parameters.pack('int8');
    expectComputed(1);
    model.parameters.pack('int8');
    expectComputed(0);
    model.parameters.unpack();
    expectComputed(1);
    setPrecision('f32');
    expectComputed(1);
    inference(() => {
      sum(tensor([1, 2], [2]));
      expectComputed(1);
    });
  });

  it('leaves the arena as the computation does, for what comes after it', () => {
    const model = smallModel();
    const replay = new Replay();
    const ids = Int32Array.of(3);
    const after = () =>
      inference(() => {
        const logits = replay.run(ids, model.parameters.layout, () => model.compute(ids));
        const { byteOffset } = embedding(ids, model.parameters.get('embedding')).data;
        return { logits: logits.data.slice(), shape: logits.shape, byteOffset };
      });
    expect(after()).toEqual(after());
    expect(after().logits).toEqual(model.fresh(ids));
  });

  it('keeps what the calls read from being collected', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const replay = new Replay();
    const [ids, layout] = [Int32Array.of(2, 9), {}];
    const once = () =>
      inference(() => {
        const parameters = smallModel().parameters;
        parameters.pack('int8');
        return replay
          .run(ids, layout, () => {
            const stream = embedding(ids, parameters.get('embedding'));
            return linear(stream, parameters.get('inner'));
          })
          .data.slice();
      });
    const again = () => inference(() => replay.run(ids, layout, () => expect.unreachable()).data.slice());
    const first = once();
    for (let round = 0; round < 3; round++) {
      collect();
      // Takes over what was freed, if something was.
      for (let block = 0; block < 20; block++) new Float32Array(vocabulary * width).fill(NaN);
      expect(again()).toEqual(first);
    }
  });

  it('names the kernel that fails in a replay, and goes on after it', () => {
    const model = smallModel();
    const replay = new Replay();
    const ids = Int32Array.of(1);
    const first = run(replay, model, ids);
    ids[0] = vocabulary;
    expect(() => run(replay, model, ids)).toThrow('replay: embeddingForward: id 50 at position 0 is outside 0 .. 49');
    ids[0] = 1;
    expect(run(replay, model, ids)).toEqual(first);
  });

  it('refuses computations that cannot be made again by calls alone, and goes on after them', () => {
    const model = smallModel();
    const replay = new Replay();
    const ids = Int32Array.of(1);
    const attempt = (compute: () => Tensor) => () => inference(() => replay.run(ids, model.parameters.layout, compute));
    expect(attempt(() => sum(model.compute(ids)))).toThrow('sum: cannot be recorded, as JavaScript has a part in it');
    expect(attempt(() => replay.run(ids, {}, () => model.compute(ids)))).toThrow('another recording is under way');
    const failure = new Error('of the computation');
    expect(
      attempt(() => {
        throw failure;
      }),
    ).toThrow(failure);
    const recorded = () => scope(() => replay.run(ids, model.parameters.layout, () => model.compute(ids)));
    expect(recorded).toThrow('Replay.run keeps nothing for gradients');
    expect(run(replay, model, ids)).toEqual(model.fresh(ids));
    expect(() => native().stopRecording()).toThrow('stopRecording: no recording is under way');
    expect(() => native().replay({} as never)).toThrow('replay: calls is not a recording');
  });
});
