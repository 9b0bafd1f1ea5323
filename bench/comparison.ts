/**
 * Two programs beside each other on a machine whose speed drifts: they take turns, and what counts is the median
 * of the ratios within a round, since both halves of a round saw nearly the same machine. Medians of either side
 * alone, and quartiles of everything, tell how calm it was.
 */
import { execFileSync } from 'node:child_process';

/** Whatever one run reports, by name: `{ tokensPerSecond: 4100, memoryMB: 830 }`. */
export type Figures = Record<string, number>;

export interface Contender {
  name: string;
  /** One run from start to end. If it throws, the contender drops out and the message is its result. */
  measure: () => Figures | Promise<Figures>;
}

/** Quartiles by linear interpolation between the samples, which are in the order of measuring. */
export interface Spread {
  median: number;
  lowerQuartile: number;
  upperQuartile: number;
  samples: number[];
}

export interface MeasuredPeer {
  name: string;
  figures: Record<string, Spread>;
  /** Ours divided by theirs, round by round, for each figure that both report. */
  ratios: Record<string, Spread>;
}

/** A peer that is not installed or failed, and why. */
export interface AbsentPeer {
  name: string;
  absent: string;
}

/** Plain data: goes into JSON and back unchanged. */
export interface Comparison {
  rounds: number;
  ours: { name: string; figures: Record<string, Spread> };
  peers: (MeasuredPeer | AbsentPeer)[];
}

/**
 * Measures everyone once a round. The order turns by one place each round, so nobody always runs on the machine
 * that another has just warmed up.
 * @param rounds at least 1; fewer than 5 say little
 * @throws what our own measurement throws; a peer's failure is part of the result instead
 */
export async function compare(ours: Contender, peers: Contender[], rounds = 5): Promise<Comparison> {
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`rounds is ${rounds}, expected a whole number >= 1`);
  const contenders = [ours, ...peers];
  const runs = new Map<Contender, Figures[]>(contenders.map((contender) => [contender, []]));
  const absences = new Map<Contender, string>();
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]!;
      if (absences.has(contender)) continue;
      try {
        runs.get(contender)!.push(await contender.measure());
      } catch (error) {
        if (contender === ours) throw error;
        absences.set(contender, (error as Error).message);
      }
    }
  }
  const our = runs.get(ours)!;
  return {
    rounds,
    ours: { name: ours.name, figures: spreads(our) },
    peers: peers.map((peer) => {
      const absent = absences.get(peer);
      if (absent !== undefined) return { name: peer.name, absent };
      const their = runs.get(peer)!;
      return { name: peer.name, figures: spreads(their), ratios: spreads(their.map((run, i) => ratios(our[i]!, run))) };
    }),
  };
}

/** The spread of each figure that every run reports. */
function spreads(runs: Figures[]): Record<string, Spread> {
  const names = Object.keys(runs[0]!).filter((name) => runs.every((run) => run[name] !== undefined));
  return Object.fromEntries(names.map((name) => [name, spread(runs.map((run) => run[name]!))]));
}

function ratios(ours: Figures, theirs: Figures): Figures {
  const common = Object.keys(ours).filter((name) => theirs[name] !== undefined);
  return Object.fromEntries(common.map((name) => [name, ours[name]! / theirs[name]!]));
}

/** @param samples at least one */
export function spread(samples: number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const quantile = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { median: quantile(0.5), lowerQuartile: quantile(0.25), upperQuartile: quantile(0.75), samples };
}

/**
 * Runs a program whose last line of output is one JSON object, and returns that.
 * @param options.environment added to this process's
 * @param options.input the program's standard input
 * @throws Error with the last line of its errors if it fails
 */
export function runJson<Result = Figures>(
  command: string,
  args: string[],
  options: { environment?: Record<string, string>; input?: string } = {},
): Result {
  try {
    const output = execFileSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, ...options.environment },
      input: options.input ?? '',
      maxBuffer: 1 << 28,
      stdio: 'pipe',
    });
    return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Result;
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? '').trimEnd();
    throw new Error(lines.split('\n').at(-1) || (error as Error).message, { cause: error });
  }
}
