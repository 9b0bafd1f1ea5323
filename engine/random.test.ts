import { expect, test } from 'vitest';
import { Random } from './random.ts';

test('gives the same numbers for the same seed, others for a neighbour', () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 100 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
});

test('the first values of a seed never change', () => {
  const random = new Random(1);
  expect([random.integer(1e6), random.integer(1e6), random.integer(1e6)]).toMatchInlineSnapshot(`
    [
      91569,
      888192,
      434270,
    ]
  `);
});

test('goes on from a saved state', () => {
  const random = new Random(3);
  for (let index = 0; index < 10; index++) random.normal();
  const restored = Random.restore(random.state());
  expect(Array.from({ length: 20 }, () => restored.normal())).toEqual(
    Array.from({ length: 20 }, () => random.normal()),
  );
});

test('is uniform and normal to the accuracy of the sample', () => {
  const random = new Random(4);
  const counts = new Array<number>(10).fill(0);
  for (let index = 0; index < 100_000; index++) counts[random.integer(10)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);

  const normals = Array.from({ length: 100_000 }, () => random.normal());
  const average = (power: number) => normals.reduce((total, value) => total + value ** power, 0) / normals.length;
  expect(average(1)).toBeCloseTo(0, 1);
  expect(average(2)).toBeCloseTo(1, 1);
  expect(average(3)).toBeCloseTo(0, 1);
  expect(Math.abs(average(4) - 3)).toBeLessThan(0.1);
});

test('names bad arguments', () => {
  expect(() => new Random(0.5)).toThrow('must be a whole number');
  expect(() => new Random(1).integer(0)).toThrow('at least 1, not 0');
  expect(() => Random.restore('xyz')).toThrow("32 hexadecimal digits, not all zero, but got 'xyz'");
});
