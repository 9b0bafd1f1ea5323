import { expect, test } from 'vitest';
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

test('names unknown and repeated parameters', () => {
  expect(() => new ParameterSet(specs).get('c')).toThrow("there is no 'c'; known are a, b.");
  expect(() => new ParameterSet([...specs, specs[0]!])).toThrow("two parameters are named 'a'");
});
