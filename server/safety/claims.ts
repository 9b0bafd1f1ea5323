/**
 * Compares an answer with documents, claim by claim. This is a comparison of words and understands nothing: a claim
 * counts as supported if a passage has most of its telling words, all of its names and all of its numbers, and denies
 * what it denies. It catches what small models do most, facts from nowhere and wrong numbers; it cannot see that the
 * right words stand in the wrong relation.
 */
import type { Claim } from '@parley/contracts';
import { sentencesOf } from '../assistants/passages.ts';
import { queryTermsOf, termsOf } from '../assistants/terms.ts';
import { quantitiesIn } from './quantities.ts';

/** The share of a claim's telling terms that a passage needs. Chosen on claims.test.ts's labelled set. */
const neededShare = 0.6;
/** Fewer telling terms than this claim nothing that could be compared. */
const fewestTerms = 2;

/** The sentences of an answer, without the marks of Markdown and of citations. */
export function claimsOf(answer: string): string[] {
  const plain = answer
    .replace(/```[\s\S]*?(?:```|$)/g, '\n')
    .replace(/\[\d{1,2}\]/g, '')
    .replace(/^[ \t]*(?:[-*+>]|#{1,6}|\d+[.)、])[ \t]+/gm, '')
    .replace(/[*_`]+/g, '');
  return [...sentencesOf(plain)].map(({ start, end }) => plain.slice(start, end));
}

export interface Verdict {
  verdict: Claim['verdict'];
  /** Index of the passage that it rests on. */
  passage: number | null;
}

/** @param passages those that fit the claim best, best first */
export function judgeClaim(claim: string, passages: readonly string[]): Verdict {
  const numbers = quantitiesIn(claim);
  const terms = queryTermsOf(claim).filter((term) => !isNumber(term));
  if (terms.length + numbers.size < fewestTerms || /[?？]\s*$/.test(claim)) return { verdict: 'none', passage: null };
  let otherNumbers: number | null = null;
  for (const [index, passage] of passages.entries()) {
    const known = new Set(termsOf(passage));
    const share = terms.filter((term) => known.has(term)).length / Math.max(1, terms.length);
    if (share < neededShare || !hasNames(claim, known) || denies(claim) !== deniesThere(claim, passage)) continue;
    const stated = quantitiesIn(passage);
    if ([...numbers].every((number) => stated.has(number))) return { verdict: 'supported', passage: index };
    otherNumbers ??= stated.size > 0 ? index : null;
  }
  return otherNumbers === null ? { verdict: 'notFound', passage: null } : { verdict: 'numbers', passage: otherNumbers };
}

/** Words that English writes large inside a sentence. */
function hasNames(claim: string, known: ReadonlySet<string>): boolean {
  const names = claim.match(/(?<=[\p{Ll},] )\p{Lu}[\p{L}\d]+/gu) ?? [];
  return names.every((name) => termsOf(name).every((term) => known.has(term)));
}

/** Whether the clause of the passage that is closest to the claim denies something. */
function deniesThere(claim: string, passage: string): boolean {
  const wanted = new Set(queryTermsOf(claim));
  let [best, most] = [passage, -1];
  for (const clause of passage.split(/(?<=[,，;；。！？\n]|[.!?:]\s)/)) {
    const shared = new Set(termsOf(clause).filter((term) => wanted.has(term))).size;
    if (shared > most) [best, most] = [clause, shared];
  }
  return denies(best);
}

function denies(text: string): boolean {
  return /\b(?:not|no|never|neither|nor|without|cannot|nothing)\b|n't\b|不|没有|无法|勿|无需/i.test(text);
}

function isNumber(term: string): boolean {
  return /^\d/.test(term) || quantitiesIn(term).size > 0;
}
