import { expect, test } from 'vitest';
import { setPrecision } from '../native/addon.ts';
import { sum } from '../ops/elementwise.ts';
import { linear } from '../ops/linear.ts';
import { AdamW } from '../optim/adamw.ts';
import { Random } from '../random.ts';
import { backward, inference, scope } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { fillNormal } from './initialize.ts';
import { ParameterSet } from './parameter-set.ts';

const specs = [
  { name: 'a', shape: [2, 3], decay: true },
  { name: 'b', shape: [4], decay: false },
];

test('parameters are views into the flat arrays', () => {
  const parameters = new ParameterSet(specs);
  expect(parameters.count).toBe(10);
  parameters.get('b').data[1] = 7;
  expect(parameters.values[7]).toBe(7);
  parameters.get('a').gradient!.fill(1);
  expect(parameters.gradients.subarray(0, 6).every((value) => value === 1)).toBe(true);
  parameters.zeroGradients();
  expect(parameters.gradients.every((value) => value === 0)).toBe(true);
});

test('zeroed gradients hold what came since, from one backward or several, and zeros where nothing did', () => {
  const parameters = new ParameterSet([
    { name: 'used', shape: [2, 3], decay: true },
    { name: 'unused', shape: [4], decay: true },
  ]);
  const x = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
  const accumulate = () => scope(() => backward(sum(linear(x, parameters.get('used')))));
  parameters.gradients.fill(9);
  for (const times of [1, 2]) {
    parameters.zeroGradients();
    for (let time = 0; time < times; time++) accumulate();
    expect(Array.from(parameters.gradients)).toEqual([5, 7, 9, 5, 7, 9, 0, 0, 0, 0].map((value) => times * value));
  }
  parameters.zeroGradients();
  expect(Array.from(parameters.get('used').gradient!)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('names unknown and repeated parameters', () => {
  expect(() => new ParameterSet(specs).get('c')).toThrow("there is no 'c'; known are a, b.");
  expect(() => new ParameterSet([...specs, specs[0]!])).toThrow("two parameters are named 'a'");
});

test('packed matrices give the same bits, until an optimizer step changes them', () => {
  const parameters = new ParameterSet([{ name: 'weight', shape: [70, 45], decay: true }]);
  const weight = parameters.get('weight');
  fillNormal(weight, new Random(1), 1);
  const x = tensor(new Float32Array(3 * 45), [3, 45]);
  fillNormal(x, new Random(2), 1);
  const product = () => inference(() => linear(x, weight).data.slice());
  for (const precision of ['f32', 'bf16'] as const) {
    setPrecision(precision);
    const expected = product();
    parameters.pack();
    expect(product()).toEqual(expected);
    setPrecision(precision === 'f32' ? 'bf16' : 'f32');
    expect(product()).not.toEqual(expected);
  }

  const exact = product();
  parameters.pack('int8');
  const rounded = product();
  expect(rounded).not.toEqual(exact);
  expect(Math.max(...rounded.map((value, index) => Math.abs(value - exact[index]!)))).toBeLessThan(0.2);

  parameters.gradients.fill(1);
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 });
  optimizer.step(0.1, 1);
  const changed = product();
  parameters.pack();
  expect(product()).toEqual(changed);
});

test('the layout is another object when packing or unpacking changes what lies in memory, and only then', () => {
  const parameters = new ParameterSet(specs);
  const layouts = [parameters.layout];
  const expectChange = (changes: boolean, change: () => void) => {
    change();
    expect(layouts.includes(parameters.layout)).toBe(!changes);
    layouts.push(parameters.layout);
  };
  expectChange(true, () => parameters.pack('bf16'));
  expectChange(false, () => parameters.pack('bf16'));
  expectChange(true, () => parameters.pack('int8'));
  expectChange(true, () => parameters.unpack());
  expectChange(true, () => parameters.pack('int8'));
});
