import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { en } from './en.ts';
import { pickLanguage } from './index.ts';
import { zh } from './zh.ts';

const web = join(import.meta.dirname, '..');

function flatten(tree: object, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value] as const] : [...flatten(value, `${prefix}${key}.`)],
    ),
  );
}

function sources(): { path: string; text: string }[] {
  return readdirSync(web, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/(^dist|node_modules|^i18n|\.test\.)/.test(path))
    .map((path) => ({ path, text: readFileSync(join(web, path), 'utf8') }));
}

const english = flatten(en);
const chinese = flatten(zh);

test('both languages have the same keys, none empty', () => {
  expect([...chinese.keys()]).toEqual([...english.keys()]);
  for (const [key, text] of [...english, ...chinese]) expect(text.trim(), key).not.toBe('');
});

test('both languages fill in the same values', () => {
  const names = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
  for (const [key, text] of english) expect(names(chinese.get(key) ?? ''), key).toEqual(names(text));
});

test('Chinese texts are Chinese, apart from names and the example prompts', () => {
  const words = (text: string) => text.replace(/\{\{\w+\}\}/g, '');
  const foreign = [...chinese].filter(
    ([key, text]) => /\p{L}/u.test(words(text)) && !/\p{Script=Han}/u.test(text) && !key.startsWith('welcome.example'),
  );
  expect(foreign.map(([key]) => key)).toEqual(['settings.topP']);
});

test('every text is used', () => {
  const code = sources()
    .map(({ text }) => text)
    .join('\n');
  // Keys that are put together at run time are found by the part before the placeholder.
  const prefixes = [...code.matchAll(/`((?:\w+\.)+\w*)\$\{/g)].map((match) => match[1] ?? '');
  const unused = [...english.keys()]
    .map((key) => key.replace(/_(one|other)$/, ''))
    .filter((key) => !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  expect(unused).toEqual([]);
});

test('every act that the server notes down has words in the audit log', () => {
  const server = join(web, '..', 'server');
  const routes = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('routes.ts'),
  );
  const acts = routes.flatMap((path) => {
    const text = readFileSync(join(server, path), 'utf8');
    return [...text.matchAll(/'(\w+\.[a-z]+(?:-[a-z]+)*)'/g)].map((match) => match[1]!);
  });
  const noted = [...new Set(acts)].filter((act) =>
    /^(account|key|model|password|run|safety|session|settings)\./.test(act),
  );
  expect(noted.length).toBeGreaterThan(20);
  for (const act of noted) expect(english.has(`audit.action.${act.replaceAll(/[.-]/g, '_')}`), act).toBe(true);
});

test('no component holds words of its own', () => {
  const found: string[] = [];
  for (const { path, text } of sources().filter(({ path }) => path.endsWith('.tsx'))) {
    const words = [
      ...text.matchAll(/(?:aria-label|placeholder|title|alt|label)="([^"]*\p{L}{2,}[^"]*)"/gu),
      ...text.matchAll(/^\s+([\p{Lu}\p{Script=Han}][\p{L}\p{P} ]+)$/gmu),
      ...text.matchAll(/<\w[^<>{}=]*>\s*(\p{L}{2,}[^<>{}]*)<\//gu),
    ].map((match) => match[1] ?? '');
    for (const word of words)
      if (word.trim() !== 'Parley' && !/[;,()=]$/.test(word.trim())) found.push(`${path}: ${word}`);
  }
  expect(found).toEqual([]);
});

test('the language is the first wish that the page speaks', () => {
  expect(pickLanguage(['de-DE', 'zh-Hant-TW', 'en'])).toBe('zh');
  expect(pickLanguage(['EN-us', 'zh'])).toBe('en');
  expect(pickLanguage(['fr', 'de'])).toBe('en');
  expect(pickLanguage([])).toBe('en');
});
