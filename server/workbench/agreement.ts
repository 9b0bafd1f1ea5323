/** How far people agree who ranked the same answers. */
import type { Agreement } from '@parley/contracts';

/** One person's ranking of a task: ranks in the order of the task's answers. */
export interface RankedBy {
  taskId: string;
  userId: string;
  ranking: readonly number[];
}

/**
 * Kendall's rank correlation with ties, tau-b (Kendall 1945): pairs that both order alike minus pairs that they order
 * differently, over the geometric mean of the pairs that each orders at all.
 *
 * @param one ranks, 1 is best; equal ranks are ties
 * @param other ranks of the same things in the same order
 * @returns −1 to 1; null where one of them ties everything
 */
export function kendallTau(one: readonly number[], other: readonly number[]): number | null {
  let balance = 0;
  let ordered = 0;
  let otherOrdered = 0;
  for (let i = 0; i < one.length; i++) {
    for (let j = 0; j < i; j++) {
      const sign = Math.sign(one[i]! - one[j]!);
      const otherSign = Math.sign(other[i]! - other[j]!);
      balance += sign * otherSign;
      ordered += Math.abs(sign);
      otherOrdered += Math.abs(otherSign);
    }
  }
  return ordered === 0 || otherOrdered === 0 ? null : balance / Math.sqrt(ordered * otherOrdered);
}

/** The mean tau over all pairs of people; null if no pair has one. */
export function agreementOn(rankings: readonly (readonly number[])[]): number | null {
  return mean(
    rankings.flatMap((one, index) => rankings.slice(0, index).flatMap((other) => kendallTau(one, other) ?? [])),
  );
}

/** Each person's mean tau with everybody else who ranked the same answers; nobody without such a pair is in it. */
export function agreementByPerson(all: readonly RankedBy[]): Map<string, Agreement> {
  const byTask = new Map<string, RankedBy[]>();
  for (const one of all) byTask.set(one.taskId, [...(byTask.get(one.taskId) ?? []), one]);
  const found = new Map<string, { taus: number[]; tasks: Set<string>; people: Set<string> }>();
  for (const [taskId, rankings] of byTask) {
    for (const one of rankings) {
      for (const other of rankings) {
        const tau = one.userId === other.userId ? null : kendallTau(one.ranking, other.ranking);
        if (tau === null) continue;
        const entry = found.get(one.userId) ?? { taus: [], tasks: new Set(), people: new Set() };
        found.set(one.userId, entry);
        entry.taus.push(tau);
        entry.tasks.add(taskId);
        entry.people.add(other.userId);
      }
    }
  }
  return new Map(
    [...found].map(([userId, { taus, tasks, people }]) => [
      userId,
      { tau: mean(taus)!, tasks: tasks.size, people: people.size },
    ]),
  );
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
