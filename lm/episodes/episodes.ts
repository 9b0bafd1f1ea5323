/**
 * Answers as episodes: what a policy wrote, token by token, and how models see it afterwards.
 *
 *     prompt     p p p p                    answer   a a a e      e: the token that ends a turn, if it came
 *     ids        p p p p a a a e            one row of a batch, filled up on the right
 *     states           ^ ^ ^ ^              the hidden states from which the answer's tokens were drawn
 *
 * Attention is causal, so what fills a row up on the right never reaches the states before it: an answer's numbers
 * are the same in any company, and nothing needs to be masked.
 */
import { embedding, inference, type Tensor } from '@parley/engine';
import type { Llama } from '../models/index.ts';

/** One prompt and one answer to it, in token ids. */
export interface Episode {
  prompt: readonly number[];
  /** At least one token; with the end token if the answer ended by itself. */
  answer: readonly number[];
  /** False if the answer was cut off at its longest length. */
  ended: boolean;
}

/** Episodes as one batch, and where in it the answers are. */
export interface EpisodeBatch {
  ids: Int32Array;
  layout: { batch: number; length: number };
  /** [M], for each answer token of each episode in turn: the row of the hidden state that it is drawn from. */
  states: Int32Array;
  /** [M], the answer tokens themselves. */
  next: Int32Array;
  /** [B], for each episode: the row of its last token, where a reward model reads. */
  last: Int32Array;
}

export function layOut(episodes: readonly Episode[]): EpisodeBatch {
  const length = Math.max(...episodes.map(({ prompt, answer }) => prompt.length + answer.length));
  const ids = new Int32Array(episodes.length * length);
  const states: number[] = [];
  const next: number[] = [];
  const last = new Int32Array(episodes.length);
  for (const [index, { prompt, answer }] of episodes.entries()) {
    const start = index * length;
    ids.set(prompt, start);
    ids.set(answer, start + prompt.length);
    for (const [t, id] of answer.entries()) {
      states.push(start + prompt.length - 1 + t);
      next.push(id);
    }
    last[index] = start + prompt.length + answer.length - 1;
  }
  return {
    ids,
    layout: { batch: episodes.length, length },
    states: Int32Array.from(states),
    next: Int32Array.from(next),
    last,
  };
}

/**
 * Cuts episodes into batches that hold at most `tokens` places, longest first, so that rows of a batch are of about
 * one length. Every index is in one part; an episode longer than `tokens` is a part of its own.
 */
export function partsOf(episodes: readonly Episode[], tokens: number): number[][] {
  const size = (index: number) => episodes[index]!.prompt.length + episodes[index]!.answer.length;
  const order = episodes.map((_, index) => index).sort((a, b) => size(b) - size(a) || a - b);
  const parts: number[][] = [];
  let longest = 0;
  for (const index of order) {
    const part = parts.at(-1);
    if (part !== undefined && (part.length + 1) * longest <= tokens) part.push(index);
    else {
      parts.push([index]);
      longest = size(index);
    }
  }
  return parts;
}

/**
 * Sets of episodes that belong together, such as the answers to one prompt, in groups that take at most `tokens` places
 * when laid out, or of one set that takes more. Their order stays.
 */
export function groupsOf<Item extends { readonly episodes: readonly Episode[] }>(
  items: readonly Item[],
  tokens: number,
): Item[][] {
  const groups: Item[][] = [];
  let [count, longest] = [0, 0];
  for (const item of items) {
    const size = Math.max(...item.episodes.map(({ prompt, answer }) => prompt.length + answer.length));
    const fits = (count + item.episodes.length) * Math.max(longest, size) <= tokens;
    if (groups.length === 0 || !fits) {
      groups.push([]);
      [count, longest] = [0, 0];
    }
    groups.at(-1)!.push(item);
    count += item.episodes.length;
    longest = Math.max(longest, size);
  }
  return groups;
}

/**
 * log π of every answer token [M], on the tape if there is one: `model.logProbabilities` at the answers' states.
 * @param entropies [M], filled with the policy's entropy at each of those states, nats, if given
 */
export function answerLogProbabilities(model: Llama, batch: EpisodeBatch, entropies?: Float32Array): Tensor {
  const hidden = embedding(batch.states, model.hidden(batch.ids, batch.layout));
  return model.logProbabilities(hidden, batch.next, entropies);
}

/** The value before every answer token [M, 1]. */
export function answerValues(critic: Llama, batch: EpisodeBatch): Tensor {
  return critic.scores(embedding(batch.states, critic.hidden(batch.ids, batch.layout)));
}

/** The score of every episode at its last token [B, 1]. */
export function episodeScores(scorer: Llama, batch: EpisodeBatch): Tensor {
  return scorer.scores(embedding(batch.last, scorer.hidden(batch.ids, batch.layout)));
}

/**
 * Numbers per answer token, computed without gradients in parts.
 * @param compute answerLogProbabilities or answerValues
 * @returns for each episode, in their order, one number per answer token
 */
export function measureTokens(
  model: Llama,
  episodes: readonly Episode[],
  compute: (model: Llama, batch: EpisodeBatch) => Tensor,
  tokens: number,
): Float32Array[] {
  const results: Float32Array[] = new Array(episodes.length);
  for (const part of partsOf(episodes, tokens)) {
    const members = part.map((index) => episodes[index]!);
    inference(() => {
      const { data } = compute(model, layOut(members));
      let at = 0;
      for (const [which, { answer }] of members.entries()) {
        results[part[which]!] = data.slice(at, at + answer.length);
        at += answer.length;
      }
    });
  }
  return results;
}

/** The scorer's score of each episode, without gradients. */
export function measureScores(scorer: Llama, episodes: readonly Episode[], tokens: number): Float32Array {
  const scores = new Float32Array(episodes.length);
  for (const part of partsOf(episodes, tokens)) {
    inference(() => {
      const { data } = episodeScores(scorer, layOut(part.map((index) => episodes[index]!)));
      for (const [which, index] of part.entries()) scores[index] = data[which]!;
    });
  }
  return scores;
}
