/**
 * A ranking in the making: the answers in the order in which they stand on the page, and the ranks that they have so
 * far. Typed ranks order the page; moving an answer ranks everything by its place.
 */

export interface Ranking {
  readonly order: readonly string[];
  /** From 1; equal ranks are ties, and gaps mean nothing. */
  readonly ranks: Readonly<Record<string, number>>;
}

export function newRanking(order: readonly string[], ranks: Ranking['ranks'] = {}): Ranking {
  return sorted({ order, ranks });
}

/** Gives an answer a rank, or takes it away (null). */
export function setRank({ order, ranks }: Ranking, id: string, rank: number | null): Ranking {
  const { [id]: _, ...others } = ranks;
  return sorted({ order, ranks: rank === null ? others : { ...others, [id]: rank } });
}

/** Moves an answer to a place on the page; it is tied with none, others keep their ties where they still touch. */
export function move(ranking: Ranking, id: string, place: number): Ranking {
  const order = ranking.order.filter((other) => other !== id);
  order.splice(Math.max(0, Math.min(place, order.length)), 0, id);
  const tied = (above: string, below: string) =>
    above !== id && below !== id && ranking.ranks[below] !== undefined && ranking.ranks[above] === ranking.ranks[below];
  return byPlace(order, tied);
}

/** Whether an answer shares its rank with the one above it. */
export function isTied({ order, ranks }: Ranking, id: string): boolean {
  const above = order[order.indexOf(id) - 1];
  return above !== undefined && ranks[id] !== undefined && ranks[above] === ranks[id];
}

/** Ties an answer with the one above it, or unties them. Nothing stands above the first one. */
export function toggleTie(ranking: Ranking, id: string): Ranking {
  if (ranking.order.indexOf(id) < 1) return ranking;
  return byPlace(ranking.order, (_above, below) =>
    below === id ? !isTied(ranking, id) : isTied(ranking, below) && ranking.ranks[below] !== undefined,
  );
}

export function unranked({ order, ranks }: Ranking): string[] {
  return order.filter((id) => ranks[id] === undefined);
}

/** The same ranking without gaps: 1, 3, 3 becomes 1, 2, 2. */
export function closedUp({ ranks }: Ranking): Record<string, number> {
  const used = [...new Set(Object.values(ranks))].sort((one, other) => one - other);
  return Object.fromEntries(Object.entries(ranks).map(([id, rank]) => [id, used.indexOf(rank) + 1]));
}

/** Whether it says exactly what the page said before anybody touched it. */
export function isUnchanged(ranking: Ranking, shown: readonly string[]): boolean {
  const ranks = closedUp(ranking);
  return shown.every((id, index) => ranks[id] === index + 1);
}

function byPlace(order: readonly string[], tied: (above: string, below: string) => boolean): Ranking {
  const ranks: Record<string, number> = {};
  let rank = 0;
  for (const [place, id] of order.entries()) {
    const above = order[place - 1];
    if (above === undefined || !tied(above, id)) rank++;
    ranks[id] = rank;
  }
  return { order, ranks };
}

/** Ranked answers first, best first; equal ones as they stood. */
function sorted({ order, ranks }: Ranking): Ranking {
  const rankOf = (id: string) => ranks[id] ?? Number.POSITIVE_INFINITY;
  return {
    order: order.toSorted((one, other) => (rankOf(one) < rankOf(other) ? -1 : rankOf(one) > rankOf(other) ? 1 : 0)),
    ranks,
  };
}
