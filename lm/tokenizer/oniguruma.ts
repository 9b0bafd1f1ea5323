/**
 * Oniguruma's regular expressions → JavaScript's: the part of the syntax that tokenizers' split patterns use.
 *
 * Differences that matter: `\s`, `\d` and `\w` are Unicode-wide in Oniguruma; scripts are written `\p{Han}`;
 * `(?i:…)` and possessive quantifiers (`?+`, `*+`, `++`) do not exist in the JavaScript of Node 20.
 */

const ESCAPES: Record<string, string> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]',
  W: '[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]',
};

/** Anchors are those of lines, and the dot stops at line feeds only. */
const OPERATORS: Record<string, string> = { '|': '|', '.': '[^\\n]', '^': '(?:^|(?<=\\n))', $: '(?=\\n|$)' };

/** Characters outside ASCII that fold to an ASCII letter: the long s and the Kelvin sign. */
const FOLDED: Record<string, string> = { s: '\u017f', k: '\u212a' };

/** @throws Error quoting a pattern that cannot be translated */
export function compileOniguruma(pattern: string): RegExp {
  try {
    return new RegExp(translate(pattern), 'gu');
  } catch (error) {
    throw new Error(
      `tokenizer.json splits by ${JSON.stringify(pattern)}, which Parley cannot translate to JavaScript: ${(error as Error).message}`,
    );
  }
}

function translate(pattern: string): string {
  let out = '';
  let possessives = 0;
  /** Start of the last atom in `out`, for possessive quantifiers. */
  let atom = 0;
  /** Per open group: where it starts in `out`, and whether case is ignored inside. */
  const groups: { start: number; ignoreCase: boolean }[] = [];
  const ignoreCase = () => groups.at(-1)?.ignoreCase ?? false;

  for (let i = 0; i < pattern.length; ) {
    const rest = pattern.slice(i);
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(rest)?.[0];
    if (quantifier !== undefined) {
      i += quantifier.length;
      // After {n,m} a plus is a second quantifier in Oniguruma's Ruby syntax, after the others it makes them possessive.
      if (pattern[i] === '+' && !quantifier.startsWith('{')) {
        i++;
        const name = `possessive${possessives++}`;
        out = `${out.slice(0, atom)}(?:(?=(?<${name}>${out.slice(atom)}${quantifier}))\\k<${name}>)`;
      } else if (pattern[i] === '?') {
        i++;
        out += `${quantifier}?`;
      } else {
        out += quantifier;
      }
      continue;
    }
    if (rest[0] === ')') {
      atom = groups.pop()?.start ?? 0;
      out += ')';
      i++;
      continue;
    }
    if (rest[0] === '(') {
      const opening = /^\((?:\?(?:i:|:|=|!|<=|<!))?/.exec(rest)![0];
      if (rest[1] === '?' && opening === '(') throw new Error(`group "${rest.slice(0, 4)}" is not supported`);
      groups.push({ start: out.length, ignoreCase: ignoreCase() || opening === '(?i:' });
      out += opening === '(?i:' || opening === '(' ? '(?:' : opening;
      i += opening.length;
      continue;
    }
    atom = out.length;
    if (rest[0] === '[') {
      const [source, length] = translateClass(rest, ignoreCase());
      out += source;
      i += length;
    } else if (rest[0] === '\\') {
      const [source, length] = translateEscape(rest, false);
      out += source;
      i += length;
    } else {
      const character = String.fromCodePoint(rest.codePointAt(0)!);
      if (Object.hasOwn(OPERATORS, character)) out += OPERATORS[character];
      else out += ignoreCase() && /[a-z]/i.test(character) ? `[${bothCases(character)}]` : literal(character);
      i += character.length;
    }
  }
  return out;
}

/** One bracketed class at the start of `rest`, and its length there. */
function translateClass(rest: string, ignoreCase: boolean): [string, number] {
  let out = rest.startsWith('[^') ? '[^' : '[';
  let i = out.length;
  for (let first = true; rest[i] !== ']' || first; first = false) {
    if (i >= rest.length) throw new Error('a class without its closing bracket');
    if (rest[i] === '[' || rest.startsWith('&&', i))
      throw new Error(`"${rest.slice(i, i + 6)}" inside a class is not supported`);
    if (rest[i] === '\\') {
      const [source, length] = translateEscape(rest.slice(i), true);
      out += source;
      i += length;
      continue;
    }
    const character = String.fromCodePoint(rest.codePointAt(i)!);
    i += character.length;
    if (ignoreCase && /[a-z]/i.test(character)) out += bothCases(character);
    else out += character === '-' ? '-' : literal(character);
  }
  return [`${out}]`, i + 1];
}

function translateEscape(rest: string, inClass: boolean): [string, number] {
  const property = /^\\([pP])\{(\^?)([^}]+)\}/.exec(rest);
  if (property) {
    const [whole, letter, caret, name] = property as unknown as [string, string, string, string];
    const negated = (letter === 'P') !== (caret === '^');
    return [`\\${negated ? 'P' : 'p'}{${isProperty(name) ? name : `Script=${name}`}}`, whole.length];
  }
  const code = /^\\(?:x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4}))/.exec(rest);
  if (code) return [`\\u{${code[1] ?? code[2] ?? code[3]}}`, code[0].length];
  const character = rest[1];
  if (character === undefined) throw new Error('a backslash at the end');
  if (Object.hasOwn(ESCAPES, character)) {
    const source = ESCAPES[character]!;
    if (inClass && source.startsWith('[^')) throw new Error(`\\${character} inside a class is not supported`);
    return [inClass && source.startsWith('[') ? source.slice(1, -1) : source, 2];
  }
  if (/[nrtfv]/.test(character)) return [`\\${character}`, 2];
  if (/[A-Za-z0-9]/.test(character)) throw new Error(`escape "\\${character}" is not supported`);
  return [character === '-' && inClass ? '\\-' : literal(character), 2];
}

function isProperty(name: string): boolean {
  try {
    new RegExp(`\\p{${name}}`, 'u');
    return true;
  } catch {
    return false;
  }
}

const literal = (character: string) => (/[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character);

function bothCases(letter: string): string {
  const lower = letter.toLowerCase();
  return `${lower}${lower.toUpperCase()}${FOLDED[lower] ?? ''}`;
}
