/**
 * One ranking of several people's, by ranked pairs (Tideman 1987): the majorities between any two answers are taken in
 * the order of their strength, and each holds unless those before it already say the opposite. What most people prefer
 * to all else therefore comes first, whatever weaker answers stand beside it, and a circle of preferences is cut where
 * it is weakest.
 *
 * @param rankings one per person, a rank per answer; 1 is best, equal ranks are ties
 * @returns a rank per answer from 1 on; answers that nothing sets apart share one
 */
export function mergeRankings(rankings: readonly (readonly number[])[]): number[] {
  const count = rankings[0]?.length ?? 0;
  const answers = Array.from({ length: count }, (_, index) => index);
  const prefer = (a: number, b: number) => rankings.filter((ranking) => ranking[a]! < ranking[b]!).length;
  const majorities = answers
    .flatMap((a) => answers.map((b) => ({ a, b, votes: prefer(a, b), against: prefer(b, a) })))
    .filter(({ votes, against }) => votes > against)
    // Stronger margins first, then the fewer opposed; what is left is the order of the answers, so that it is one.
    .sort((x, y) => y.votes - y.against - (x.votes - x.against) || x.against - y.against || x.a - y.a || x.b - y.b);

  const below: Set<number>[] = answers.map(() => new Set());
  const reaches = (from: number, to: number): boolean =>
    from === to || [...below[from]!].some((next) => reaches(next, to));
  for (const { a, b } of majorities) if (!reaches(b, a)) below[a]!.add(b);

  const ranks: number[] = answers.map(() => 0);
  const rankOf = (answer: number): number => {
    if (ranks[answer] === 0) {
      const above = answers.filter((other) => below[other]!.has(answer));
      ranks[answer] = 1 + Math.max(0, ...above.map(rankOf));
    }
    return ranks[answer]!;
  };
  return answers.map(rankOf);
}
