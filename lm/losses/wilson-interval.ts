/**
 * 95 % interval of a share that was observed `count` times (Wilson 1927). Made for wins and losses; where ties count
 * half it is somewhat too wide.
 */
export function wilsonInterval(share: number, count: number): [low: number, high: number] {
  const z = 1.959964;
  const middle = (share + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
