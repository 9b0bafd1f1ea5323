/**
 * Looks through a text while it is still being written, and lets go of it as early as it can.
 *
 * The text is cut where nothing that a rule could find may go on: between two characters of which the first ends no
 * beginning of a listed word (the automaton is at its root) and is not joined to the second within an address or a
 * number. Such a stretch is judged as a whole, once, and then let go; the rest is held back. Where the cuts lie
 * depends on the text alone, character by character: how it came in pieces changes nothing, and nothing forbidden is
 * ever shown by half.
 */
import type { SafetyAction } from '@parley/contracts';
import { fold } from './folding.ts';
import { comparable, type Finding, isWordLetter, type Rules, severity } from './rules.ts';
import { longestLoop } from './whole-text.ts';
import type { AutomatonState } from './word-automaton.ts';

/** What was found in a stretch of text, with what stood around it. */
export interface Found {
  rule: string;
  action: SafetyAction;
  /** Personal data in it only by its kind. */
  excerpt: string;
}

interface TextFilterOptions {
  /** Personal data that is no secret here, because the person or the assistant's owner wrote it: see personalDataIn. */
  known?: ReadonlySet<string>;
  onFound: (found: Found) => void;
  /** Says after each stretch, of the last that was let go (enough for the longest loop), whether to end here. */
  endsAfter?: (text: string) => boolean;
}

/** How the last character may go on: as a word or address, as a number. */
interface Joint {
  address: boolean;
  /** Characters between digits since the last digit; null: no number has begun. */
  gaps: number | null;
  bracket: boolean;
}

const noJoint: Joint = { address: false, gaps: null, bracket: false };
/** A telephone number has no wider gaps. */
const widestGap = 2;

const excerptMargin = 24;

export class TextFilter {
  readonly #rules: Rules;
  readonly #options: TextFilterOptions;
  #state: AutomatonState;
  #joint = noJoint;
  #afterSpace = false;
  /** Not judged yet. */
  #held = '';
  /** So much of what is held was shown by an earlier run. */
  #shownBefore = 0;
  /** Half of a character that was cut between two pieces. */
  #half = '';
  /** The end of what was let go. */
  #released = '';
  #stopped = false;

  constructor(rules: Rules, options: TextFilterOptions) {
    this.#rules = rules;
    this.#options = options;
    this.#state = rules.automaton.root;
  }

  /** Nothing more is let through: a rule has refused. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** What `end` would give now. */
  get held(): string {
    return this.#stopped ? '' : this.#look(this.#held + this.#half).shown;
  }

  /** Takes text that is shown already, so that what comes next is judged together with its end. */
  resume(text: string): void {
    let last = 0;
    for (const { index, 0: character } of text.matchAll(/[\s\S]/gu)) {
      if (this.#endsBefore(character)) last = index;
      this.#advance(character);
      if (this.#endsHere()) last = index + character.length;
    }
    this.#held = text.slice(last);
    this.#shownBefore = this.#held.length;
    this.#release(text.slice(0, last));
  }

  #release(text: string): void {
    this.#released += text;
    if (this.#released.length > 2 * longestLoop) this.#released = this.#released.slice(-longestLoop);
  }

  /** @returns what may be shown now, masked */
  push(piece: string): string {
    const text = this.#half + piece;
    this.#half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : '';
    let shown = '';
    for (const character of this.#half === '' ? text : text.slice(0, -1)) {
      if (this.#stopped) return shown;
      if (this.#endsBefore(character)) shown += this.#judge();
      if (this.#stopped) return shown;
      this.#advance(character);
      this.#held += character;
      if (this.#endsHere()) shown += this.#judge();
    }
    return shown;
  }

  /** @returns the rest */
  end(): string {
    if (this.#stopped) return '';
    this.#held += this.#half;
    this.#half = '';
    return this.#judge();
  }

  /** Whether nothing can reach from what is held over to `character`. */
  #endsBefore(character: string): boolean {
    return this.#state === this.#rules.automaton.root && !this.#joins(this.#fold(character));
  }

  /** Whether nothing can reach from what is held over to anything. */
  #endsHere(): boolean {
    return (
      this.#state === this.#rules.automaton.root &&
      !this.#joint.address &&
      this.#joint.gaps === null &&
      !this.#joint.bracket
    );
  }

  /** As the rules see it: a run of spaces is one. */
  #fold(character: string): string {
    const folded = fold(character);
    if (!/^\s+$/.test(folded)) return folded;
    return this.#afterSpace ? '' : ' ';
  }

  #joins(folded: string): boolean {
    if (folded === '') return true;
    const first = folded[0]!;
    const { address, gaps, bracket } = this.#joint;
    if (address && isAddressLetter(first)) return true;
    if (isDigit(first)) return gaps !== null || bracket;
    return gaps !== null && gaps < widestGap && isGap(first);
  }

  #advance(character: string): void {
    const folded = this.#fold(character);
    if (folded === '') return;
    const joined = this.#joins(folded);
    for (const unit of folded) this.#state = this.#rules.automaton.step(this.#state, unit);
    this.#afterSpace = folded.endsWith(' ');
    const last = folded.at(-1)!;
    const gaps = joined && isGap(last) && this.#joint.gaps !== null ? this.#joint.gaps + 1 : null;
    this.#joint = {
      address: isAddressLetter(last),
      gaps: isDigit(last) ? 0 : gaps === null || gaps > widestGap ? null : gaps,
      bracket: last === '(',
    };
  }

  #judge(): string {
    if (this.#held === '') return '';
    const { shown, findings, refused } = this.#look(this.#held);
    for (const finding of findings) {
      const { rule, action, end } = finding;
      // Otherwise judged and told of when it was shown.
      if (end > this.#shownBefore) this.#options.onFound({ rule, action, excerpt: this.#excerpt(finding, findings) });
    }
    this.#held = '';
    this.#shownBefore = 0;
    this.#release(shown);
    if (refused || this.#options.endsAfter?.(this.#released)) this.#stopped = true;
    return shown;
  }

  /** What may be shown of a stretch, and why not more. */
  #look(text: string): { shown: string; findings: Finding[]; refused: boolean } {
    const findings: Finding[] = [];
    let shown = '';
    let at = this.#shownBefore;
    for (const finding of this.#rules.find(text)) {
      const { rule, action, start, end, mask } = finding;
      if (rule.startsWith('personal-data:') && this.#isKnown(text.slice(start, end))) continue;
      findings.push(finding);
      if (end <= this.#shownBefore || severity(action) < severity('mask')) continue;
      shown += text.slice(at, Math.max(at, start));
      if (action === 'refuse') return { shown, findings, refused: true };
      shown += mask;
      at = end;
    }
    return { shown: shown + text.slice(at), findings, refused: false };
  }

  #isKnown(datum: string): boolean {
    return this.#options.known?.has(comparable(datum)) ?? false;
  }

  #excerpt({ start, end }: Finding, findings: readonly Finding[]): string {
    const text = this.#held;
    let excerpt = '';
    let at = Math.max(0, start - excerptMargin);
    if (at === 0) excerpt = this.#released.slice(-excerptMargin);
    const to = Math.min(text.length, end + excerptMargin);
    for (const other of findings) {
      if (!other.rule.startsWith('personal-data:') || other.end <= at || other.start >= to) continue;
      excerpt += text.slice(at, Math.max(at, other.start)) + other.mask;
      at = other.end;
    }
    return (excerpt + text.slice(at, Math.max(at, to))).replace(/\p{Surrogate}/gu, '').trim();
  }
}

/** What an e-mail address or a word may be made of. */
function isAddressLetter(character: string): boolean {
  return isWordLetter(character) || '%+.@-'.includes(character);
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

/** What may stand between the digits of a telephone number. */
function isGap(character: string): boolean {
  return character === ' ' || character === '(' || character === ')' || character === '-';
}
