/**
 * Preferences as a reward model learns them: rankings of the same answers by several people become one, thumbs on
 * different answers to one prompt become a ranking, and a thumb without a counterpart stays a judgement on its own.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChatMessage,
  pairSchema,
  promptLineSchema,
  type Ranking,
  rankingSchema,
  type ThumbedAnswer,
  thumbedAnswerSchema,
} from '@parley/contracts';
import { kindOf, readJsonLines } from './json-lines.ts';
import { mergeRankings } from './ranked-pairs.ts';
import { readSnapshot } from './snapshot.ts';

/** Answers to one prompt with a rank each: 1 is best, equal ranks are ties. */
export interface Comparison {
  prompt: ChatMessage[];
  answers: string[];
  ranking: number[];
}

/** One answer that somebody liked or disliked. */
export interface Judgement {
  prompt: ChatMessage[];
  answer: string;
  up: boolean;
}

export interface Preferences {
  comparisons: Comparison[];
  judgements: Judgement[];
  /** SHA-256 of the file, or the snapshot's. */
  hash: string;
}

/**
 * Reads a `.jsonl` file of the shapes in contracts/preference.ts, or a snapshot of them.
 * @throws Error that names the file, the line and the fault; also if nothing in the file tells answers apart
 */
export function readPreferences(path: string): Preferences {
  const snapshot = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readSnapshot(path) : null;
  const file = snapshot ? join(path, 'preferences.jsonl') : path;
  const rankings: Pick<Ranking, 'prompt' | 'answers' | 'ranking'>[] = [];
  const thumbs: ThumbedAnswer[] = [];
  const { hash, lines } = readJsonLines(file);
  for (const line of lines) {
    const { value, where } = line;
    const kind = kindOf(line);
    if (kind === 'rankings') rankings.push(parse(rankingSchema, value, where));
    else if (kind === 'thumbs') thumbs.push(parse(thumbedAnswerSchema, value, where));
    else if (kind === 'demonstrations' || kind === 'labels') throw new Error(`${where} prefers no answer to another`);
    else {
      const { prompt, chosen, rejected } = parse(pairSchema, value, where);
      rankings.push({ prompt, answers: [chosen, rejected], ranking: [1, 2] });
    }
  }
  const fromThumbs = compareThumbs(thumbs);
  const comparisons = [...mergeAnnotators(rankings), ...fromThumbs.comparisons].filter(
    ({ ranking }) => new Set(ranking).size > 1,
  );
  if (comparisons.length + fromThumbs.judgements.length === 0) {
    throw new Error(
      `${file} prefers no answer to another; a reward model needs rankings, pairs or thumbs to learn from`,
    );
  }
  return { comparisons, judgements: fromThumbs.judgements, hash: snapshot?.hash ?? hash };
}

/**
 * Reads prompts: `{ prompt }` or `{ messages }` a line; demonstrations serve, without their last answer.
 * @throws Error that names the file, the line and the fault
 */
export function readPrompts(file: string): { prompts: ChatMessage[][]; hash: string } {
  const { hash, lines } = readJsonLines(file);
  const prompts = lines.map(({ value, where }) => parse(promptLineSchema, value, where));
  if (prompts.length === 0) throw new Error(`${file} holds no prompts; add one JSON object a line: { "prompt": "…" }`);
  return { prompts, hash };
}

const keyOf = (prompt: ChatMessage[]) => JSON.stringify(prompt);

/** Rankings of the same answers to the same prompt, in whatever order, become one by ranked pairs. */
function mergeAnnotators(rankings: readonly Comparison[]): Comparison[] {
  const groups = new Map<string, Comparison[]>();
  for (const one of rankings) {
    const key = JSON.stringify([one.prompt, [...one.answers].sort()]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => {
    const { prompt, answers } = group[0]!;
    const aligned = group.map((one) => answers.map((answer) => one.ranking[one.answers.indexOf(answer)]!));
    return { prompt, answers, ranking: group.length === 1 ? aligned[0]! : mergeRankings(aligned) };
  });
}

/** Within a prompt, answers with more thumbs up than down come before those with more down than up. */
function compareThumbs(thumbs: readonly ThumbedAnswer[]): {
  comparisons: Comparison[];
  judgements: Judgement[];
} {
  const prompts = new Map<string, { prompt: ChatMessage[]; balance: Map<string, number> }>();
  for (const { prompt, answer, thumb } of thumbs) {
    const key = keyOf(prompt);
    const entry = prompts.get(key) ?? { prompt, balance: new Map() };
    prompts.set(key, entry);
    entry.balance.set(answer, (entry.balance.get(answer) ?? 0) + (thumb === 'up' ? 1 : -1));
  }
  const comparisons: Comparison[] = [];
  const judgements: Judgement[] = [];
  for (const { prompt, balance } of prompts.values()) {
    // Where people disagree evenly there is nothing to learn.
    const judged = [...balance].filter(([, votes]) => votes !== 0);
    if (judged.some(([, votes]) => votes > 0) && judged.some(([, votes]) => votes < 0)) {
      comparisons.push({
        prompt,
        answers: judged.map(([answer]) => answer),
        ranking: judged.map(([, votes]) => (votes > 0 ? 1 : 2)),
      });
    } else {
      for (const [answer, votes] of judged) judgements.push({ prompt, answer, up: votes > 0 });
    }
  }
  return { comparisons, judgements };
}

/** What a zod schema can do, as far as it is needed here. */
interface Schema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } };
}

function parse<T>(schema: Schema<T>, value: object, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join('.');
  throw new Error(`${where}: ${path ? `${path}: ` : ''}${issue.message}`);
}
