/** The settings, made ready to look through texts with: what each rule finds in a stretch of text, and what follows. */
import type { PersonalDataKind, SafetyAction, SafetySettings } from '@parley/contracts';
import { fold, foldedCharacters, foldWord } from './folding.ts';
import { findPersonalData } from './personal-data.ts';
import { type AutomatonState, WordAutomaton } from './word-automaton.ts';

export type Direction = 'input' | 'output';

export interface Finding {
  /** As in contracts/safety.ts. */
  rule: string;
  action: SafetyAction;
  /** UTF-16 units of the text looked through, the end exclusive. */
  start: number;
  end: number;
  /** What stands in its place if it is masked. */
  mask: string;
}

const labels: Record<PersonalDataKind, string> = {
  email: '[e-mail]',
  phone: '[phone]',
  identityCard: '[ID card]',
  creditCard: '[card]',
};
const wordMask = '•••';

interface ListedWord {
  rule: string;
  action: SafetyAction;
  /** Letters of a script with spaces: found only as a whole word. */
  whole: boolean;
}

export class Rules {
  readonly automaton: WordAutomaton;
  readonly #words = new Map<string, ListedWord>();
  readonly #personal: Partial<Record<PersonalDataKind, SafetyAction>> = {};

  constructor(settings: SafetySettings, direction: Direction) {
    for (const list of settings.wordLists) {
      const action = list[direction];
      if (action === 'off') continue;
      for (const word of list.words.map(foldWord)) {
        const known = this.#words.get(word);
        if (word === '' || (known && severity(known.action) >= severity(action))) continue;
        const whole = [...word].some(isWordLetter);
        this.#words.set(word, { rule: `words:${list.name}`, action, whole });
      }
    }
    this.automaton = new WordAutomaton([...this.#words.keys()]);
    for (const kind of Object.keys(labels) as PersonalDataKind[]) {
      const action = settings.personalData[kind][direction];
      if (action !== 'off') this.#personal[kind] = action;
    }
  }

  /** What is in a text, in its order and without overlaps; of two in one place the more severe, then the longer. */
  find(text: string): Finding[] {
    const { folded, places } = foldedText(text);
    const found = [...this.#findWords(folded), ...this.#findPersonalData(folded)].sort(
      (one, other) =>
        severity(other.action) - severity(one.action) ||
        other.end - other.start - (one.end - one.start) ||
        one.start - other.start,
    );
    const kept: Finding[] = [];
    for (const finding of found) {
      if (!kept.some((known) => finding.start < known.end && known.start < finding.end)) kept.push(finding);
    }
    return kept
      .map((finding) => ({
        ...finding,
        start: places[finding.start]!.start,
        end: places[finding.end - 1]!.end,
      }))
      .sort((one, other) => one.start - other.start);
  }

  *#findWords(folded: string): Generator<Finding> {
    const characters = [...folded];
    const starts: number[] = [];
    let unit = 0;
    let state: AutomatonState = this.automaton.root;
    for (const [index, character] of characters.entries()) {
      starts.push(unit);
      unit += character.length;
      state = this.automaton.step(state, character);
      for (const length of new Set(state.lengths)) {
        const first = index - length + 1;
        const word = this.#words.get(characters.slice(first, index + 1).join(''))!;
        const cut = (from: number, beside: number) =>
          isWordLetter(characters[from]!) && isWordLetter(characters[beside] ?? ' ');
        if (word.whole && (cut(first, first - 1) || cut(index, index + 1))) continue;
        yield { ...word, start: starts[first]!, end: unit, mask: wordMask };
      }
    }
  }

  *#findPersonalData(folded: string): Generator<Finding> {
    for (const { kind, start, end } of findPersonalData(folded)) {
      const action = this.#personal[kind];
      if (action) yield { rule: `personal-data:${kind}`, action, start, end, mask: labels[kind] };
    }
  }
}

/** Personal data in the form in which two spellings of the same are equal. */
export function personalDataIn(text: string): Set<string> {
  const { folded } = foldedText(text);
  return new Set(findPersonalData(folded).map(({ start, end }) => comparable(folded.slice(start, end))));
}

export function comparable(datum: string): string {
  const folded = Array.from(datum, fold).join('');
  return folded.includes('@') ? folded : folded.replace(/\D/g, '');
}

/** Stronger actions are greater. */
export function severity(action: SafetyAction): number {
  return ['pass', 'warn', 'mask', 'refuse'].indexOf(action);
}

/** Of a script that puts spaces between words. */
export function isWordLetter(character: string): boolean {
  return (
    /[\p{L}\p{N}_]/u.test(character) &&
    !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(character)
  );
}

/** The text as it is compared, and for each of its UTF-16 units the place in the text that it comes from. */
function foldedText(text: string): { folded: string; places: { start: number; end: number }[] } {
  let folded = '';
  const places: { start: number; end: number }[] = [];
  for (const { start, end, folded: part } of foldedCharacters(text)) {
    // One space stands for any run of them, as in the lists.
    const shown = /^\s+$/.test(part) ? (folded.endsWith(' ') ? '' : ' ') : part;
    folded += shown;
    for (let unit = 0; unit < shown.length; unit++) places.push({ start, end });
  }
  return { folded, places };
}
