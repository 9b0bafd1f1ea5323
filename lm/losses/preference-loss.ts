/**
 * Losses over preferences: of a reward model over the scores of ranked answers (Bradley and Terry 1952; Ouyang et
 * al. 2022, equation 1), and of a policy over its log-probabilities of a pair (Rafailov et al. 2023, equation 7).
 */

export interface RankingLoss {
  /** Mean over pairs of −log σ(better − worse); 0 if all answers are tied. */
  loss: number;
  /** d loss / d score, one per answer. */
  gradient: Float32Array;
  /** Pairs of answers of different rank, and how many of them the scores order as the ranking does. */
  pairs: number;
  agreed: number;
}

/** Every pair (i, j) of which i is ranked better. Ties make no pair. */
export function rankedPairsOf(ranking: readonly number[]): [better: number, worse: number][] {
  return ranking.flatMap((rank, i) =>
    ranking.flatMap((other, j): [number, number][] => (rank < other ? [[i, j]] : [])),
  );
}

/**
 * All pairs of one prompt as one element of the batch: taken as separate examples, the K − 1 pairs that share an
 * answer make a model overfit within one pass (Ouyang et al. 2022, section 3.5).
 *
 * @param scores one per answer
 * @param ranking one rank per answer, 1 is best, equal ranks are ties
 */
export function rankingLoss(scores: ArrayLike<number>, ranking: readonly number[]): RankingLoss {
  const gradient = new Float32Array(ranking.length);
  const pairs = rankedPairsOf(ranking);
  let [loss, agreed] = [0, 0];
  for (const [better, worse] of pairs) {
    const margin = scores[better]! - scores[worse]!;
    const wrong = sigmoid(-margin);
    loss += softplus(-margin) / pairs.length;
    gradient[better]! -= wrong / pairs.length;
    gradient[worse]! += wrong / pairs.length;
    if (margin > 0) agreed++;
  }
  return { loss, gradient, pairs: pairs.length, agreed };
}

/**
 * An answer judged on its own, by a thumb: −log σ(score) for an upward one, −log σ(−score) for a downward one.
 * @returns d loss / d score as `gradient`
 */
export function thumbLoss(score: number, up: boolean): { loss: number; gradient: number } {
  const sign = up ? 1 : -1;
  return { loss: softplus(-sign * score), gradient: -sign * sigmoid(-sign * score) };
}

export interface PairLoss {
  loss: number;
  /** d loss / d log π(chosen) and d log π(rejected), of whole answers. */
  chosen: number;
  rejected: number;
  /** β times how much more than the reference the policy prefers the chosen answer: its implicit reward difference. */
  margin: number;
}

/**
 * DPO: −log σ(β (log π/π_ref of the chosen answer − log π/π_ref of the rejected one)).
 * @param advantage (log π − log π_ref)(chosen) − (log π − log π_ref)(rejected), sums over the answers' tokens
 */
export function directPreferenceLoss(advantage: number, beta: number): PairLoss {
  const margin = beta * advantage;
  const pull = beta * sigmoid(-margin);
  return { loss: softplus(-margin), chosen: -pull, rejected: pull, margin };
}

/** log(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}
