import { expect, test } from 'vitest';
import { compare, runJson, spread } from './comparison.ts';

/** A contender that reports the given speeds in turn, and notes its turns. */
const contender = (name: string, speeds: number[], turns: string[] = []) => {
  const left = [...speeds];
  return {
    name,
    measure: () => {
      turns.push(name);
      return { speed: left.shift()! };
    },
  };
};

test('quartiles are interpolated between the samples', () => {
  expect(spread([4, 1, 3, 2])).toEqual({
    median: 2.5,
    lowerQuartile: 1.75,
    upperQuartile: 3.25,
    samples: [4, 1, 3, 2],
  });
  expect(spread([7])).toEqual({ median: 7, lowerQuartile: 7, upperQuartile: 7, samples: [7] });
});

test('ratios are taken within a round, so that a machine that slows down for both changes none', async () => {
  const result = await compare(contender('ours', [20, 10, 2]), [contender('theirs', [10, 5, 1])], 3);
  expect(result.ours.figures.speed!.median).toBe(10);
  expect(result.peers).toMatchObject([{ name: 'theirs', ratios: { speed: { median: 2, samples: [2, 2, 2] } } }]);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});

test('everyone goes first in turn', async () => {
  const turns: string[] = [];
  await compare(
    contender('a', [1, 1, 1], turns),
    [contender('b', [1, 1, 1], turns), contender('c', [1, 1, 1], turns)],
    3,
  );
  expect(turns.join('')).toBe('abcbcacab');
});

test('a peer that fails drops out with its message; our own failure is an error', async () => {
  const broken = {
    name: 'broken',
    measure: () => {
      throw new Error('not installed');
    },
  };
  const result = await compare(contender('ours', [1, 1]), [broken, contender('theirs', [2, 2])], 2);
  expect(result.peers).toMatchObject([
    { name: 'broken', absent: 'not installed' },
    { ratios: { speed: { median: 0.5 } } },
  ]);
  await expect(compare(broken, [], 2)).rejects.toThrow('not installed');
  await expect(compare(contender('ours', []), [], 0)).rejects.toThrow('rounds is 0');
});

test("a program's last line is its result, and its last error the message", () => {
  const node = (script: string) => runJson(process.execPath, ['-e', script]);
  expect(node('console.log("warming up"); console.log(JSON.stringify({ speed: 3 }))')).toEqual({ speed: 3 });
  expect(() => node('console.error("first"); console.error("no such peer"); process.exit(2)')).toThrow(
    /^no such peer$/,
  );
});
