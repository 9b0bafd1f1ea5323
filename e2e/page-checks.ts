/** What holds of every page, whatever it is about. */
import { join } from 'node:path';
import { en } from '@parley/web/en';
import { zh } from '@parley/web/zh';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

export type PageLanguage = 'en' | 'zh';

/** Call before the context opens pages that are to be checked. */
export async function preparePageChecks(context: BrowserContext): Promise<void> {
  await context.addInitScript({ path: join(import.meta.dirname, 'page-facts.js') });
}

const ask = <Answer>(page: Page, question: string) => page.evaluate(`pageFacts.${question}()`) as Promise<Answer>;

/** One heading of the first level; a title, a language and a width that fit. */
export async function expectOrderly(page: Page, language: PageLanguage, title = /(^| · )Parley$/): Promise<void> {
  const outline = await ask<{ headings: string[]; title: string; language: string; sideways: number }>(page, 'outline');
  expect(outline.headings).toHaveLength(1);
  expect(outline.title).toMatch(title);
  expect(outline.language).toBe({ en: 'en', zh: 'zh-CN' }[language]);
  expect(outline.sideways, 'the page scrolls sideways').toBeLessThanOrEqual(0);
}

/** No text of the other language's dictionary is shown, said to screen readers or offered as a placeholder. */
export async function expectTranslated(page: Page, language: PageLanguage): Promise<void> {
  const shown = await ask<string[]>(page, 'texts');
  const foreign = shown.filter((text) => foreignTexts[language].some((pattern) => pattern.test(text)));
  expect(foreign.join('\n'), 'in the other language').toBe('');
}

export async function expectTargetsForFingers(page: Page): Promise<void> {
  expect((await ask<string[]>(page, 'smallTargets')).join('\n'), 'too small for a finger').toBe('');
}

/**
 * Everything that can be used is reached by Tab, once round the page, and shows that it has the focus. Where a group
 * is one stop, as radio buttons are, one of it is enough.
 */
export async function expectReachableByTab(page: Page): Promise<void> {
  const focusables = await ask<number>(page, 'watchFocus');
  const unseen: string[] = [];
  // What a focus opens may bring stops of its own, but not without end.
  for (let left = focusables * 2 + 20; left > 0; left--) {
    await page.keyboard.press('Tab');
    const stop = await ask<{ name: string; visible: boolean } | null>(page, 'noteFocus');
    if (stop === null) break;
    if (!stop.visible) unseen.push(stop.name);
  }
  expect(unseen.join('\n'), 'nothing shows that these have the focus').toBe('');
  expect((await ask<string[]>(page, 'missedByFocus')).join('\n'), 'Tab does not reach these').toBe('');
}

/** Texts that only the other language has, with anything where values are filled in. */
const foreignTexts: Record<PageLanguage, RegExp[]> = {
  en: patternsOf(textsIn(zh), new Set(textsIn(en))),
  zh: patternsOf(textsIn(en), new Set(textsIn(zh))),
};

function textsIn(tree: object): string[] {
  return Object.values(tree).flatMap((value) => (typeof value === 'string' ? [value] : textsIn(value)));
}

function patternsOf(texts: readonly string[], shared: ReadonlySet<string>): RegExp[] {
  return (
    texts
      .filter((text) => !shared.has(text))
      .map((text) => text.split(/\{\{\w+\}\}/))
      // Where hardly more than the values is left, anything would fit.
      .filter(
        (parts) => parts.length === 1 || parts.some((part) => /\p{Script=Han}{2}|\p{Script=Latin}{4}/u.test(part)),
      )
      .map((parts) => new RegExp(`^${parts.map((part) => escaped(part.trim())).join('.*')}$`, 'us'))
  );
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
