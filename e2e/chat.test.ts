/** The chat page, journeyed through in a real browser against the real server and a real model. */
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { capture, expectAccessible, launchBrowser, listen, type OpenPage, openPage } from './browser.ts';
import { type ParleyServer, shippedModel, startParley } from './parley-server.ts';

let browser: Browser;
let tiny: string;

beforeAll(async () => {
  // Slow enough that no answer reaches its end before a browser has done with it.
  tiny = writeTinyModel({ context: 6144, idleLayers: 46 });
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

const answers = (page: Page) => page.getByRole('article').filter({ has: page.getByText('Parley answered:') });
const lastAnswer = (page: Page) => answers(page).last().locator('.markdown');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function ask(page: Page, question: string): Promise<void> {
  const composer = page.locator('#composer');
  await composer.fill(question);
  // Pressed on the composer: a dialog that has just closed gives the focus back a moment later.
  await composer.press('Enter');
  // A small model may answer with the very words.
  await page.getByRole('article').getByText(question, { exact: true }).first().waitFor();
}

/** Until the button that stops has become the button that sends. */
async function finished(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^(Send|发送)$/ }).waitFor({ timeout: 60_000 });
}

async function textOf(page: Page): Promise<string> {
  await lastAnswer(page).waitFor();
  return (await lastAnswer(page).textContent()) ?? '';
}

async function longerThan(page: Page, length: number): Promise<string> {
  await expect.poll(async () => (await textOf(page)).length, { timeout: 30_000 }).toBeGreaterThan(length);
  return textOf(page);
}

/** Moves sliders of the answer settings, by label, to one of their ends. */
async function setAnswers(page: Page, ends: Record<string, 'Home' | 'End'>): Promise<void> {
  await button(page, 'Answer settings').click();
  for (const [label, end] of Object.entries(ends)) await page.getByRole('slider', { name: label }).press(end);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Drawn at random, an end-of-turn token comes up sooner or later; the likeliest token never is one here. */
const endless = { Temperature: 'Home', 'Longest answer': 'End' } as const;
const shortest = { 'Longest answer': 'Home' } as const;

describe('with the model that ships, if one does', () => {
  let server: ParleyServer;
  beforeAll(async () => {
    server = await startParley({ modelFolder: shippedModel() ?? tiny });
  });
  afterAll(() => server?.close());

  test('a first question in English and one in Chinese are answered', async () => {
    const { page, complaints } = await openPage(browser, server.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await expectAccessible(page);
    await capture(page, 'welcome');

    await button(page, 'What is the capital of France?').click();
    await finished(page);
    expect((await textOf(page)).trim()).not.toBe('');
    expect(new URL(page.url()).pathname).toMatch(/^\/chat\/[0-9a-f-]+$/);
    await page.getByRole('link', { name: 'What is the capital of France?' }).waitFor();

    await ask(page, '你好！');
    await answers(page).nth(1).waitFor();
    await finished(page);
    expect((await textOf(page)).trim()).not.toBe('');
    expect(await answers(page).count()).toBe(2);
    await expect.poll(() => page.getByRole('status').last().textContent()).toMatch(/^Parley (answered|has finished)/);
    await expectAccessible(page);
    await capture(page, 'first-answers');
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe('with a model that never ends by itself', () => {
  let server: ParleyServer;
  let open: OpenPage;
  let page: Page;
  beforeAll(async () => {
    server = await startParley({ modelFolder: tiny });
  });
  afterAll(() => server?.close());

  beforeEach(async () => {
    open = await openPage(browser, server.url);
    page = open.page;
    await page.locator('#composer').waitFor();
  });
  afterEach(async () => {
    expect(open.complaints).toEqual([]);
    await page.context().close();
  });

  test('a reload in mid-answer goes on; stop stops; continue goes on from there', async () => {
    await setAnswers(page, endless);
    await ask(page, 'Recite');
    const before = await longerThan(page, 40);
    await page.reload();
    const after = await longerThan(page, before.length);
    expect(after.startsWith(before)).toBe(true);
    expect(await answers(page).count()).toBe(1);

    await button(page, 'Stop the answer').click();
    await page.getByText('You stopped this answer.').waitFor();
    const stopped = await textOf(page);
    await page.waitForTimeout(400);
    expect(await textOf(page)).toBe(stopped);
    await expectAccessible(page);
    await capture(page, 'stopped');

    await button(page, 'Continue').click();
    const continued = await longerThan(page, stopped.length);
    expect(continued.startsWith(stopped.trimEnd())).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByText('You stopped this answer.').waitFor();
  });

  test('scrolling up stays where it is, and a button leads back to the newest line', async () => {
    await page.setViewportSize({ width: 900, height: 420 });
    await setAnswers(page, endless);
    await ask(page, 'Recite at length');
    await longerThan(page, 1_500);
    const viewport = page.getByRole('region', { name: 'Conversation' }).locator('..');
    const fromEnd = () => viewport.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await expect.poll(fromEnd).toBeLessThan(80);
    await viewport.hover();
    await page.mouse.wheel(0, -400);
    await expect.poll(fromEnd).toBeGreaterThan(200);
    const place = await viewport.evaluate((box) => box.scrollTop);
    await page.waitForTimeout(300);
    expect(await viewport.evaluate((box) => box.scrollTop)).toBe(place);
    await button(page, 'To the newest message').click();
    await expect.poll(fromEnd).toBeLessThan(80);
    await button(page, 'Stop the answer').click();
    await finished(page);
  });

  test('an answer that reached its length is regenerated, and both versions can be read', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'A short one');
    await page.getByText('The answer reached its longest length.').waitFor();
    const first = await textOf(page);
    let second = first;
    // The seed is drawn anew each time; the tiny model knows few texts, so the same one may come again.
    let versions = 1;
    while (second === first) {
      await button(page, 'Answer again').last().click();
      versions++;
      await page.getByText(`Version ${versions} of ${versions}`).waitFor();
      await finished(page);
      second = await textOf(page);
    }
    for (let version = versions; version > 1; version--) {
      await button(page, 'Previous version').click();
      await page.getByText(`Version ${version - 1} of ${versions}`).waitFor();
    }
    expect(await textOf(page)).toBe(first);

    // A question asked below the older version belongs to it.
    await ask(page, 'And now below the first');
    await answers(page).nth(1).waitFor();
    await finished(page);
    await page.reload();
    await answers(page).nth(1).waitFor();
    expect(await answers(page).first().locator('.markdown').textContent()).toBe(first);
    await button(page, 'Next version').click();
    expect(await answers(page).count()).toBe(1);
  });

  test('a question is edited, and both wordings with what follows them can be read', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'First wording');
    await finished(page);
    await ask(page, 'Below the first wording');
    await finished(page);
    const first = page.getByRole('article').filter({ hasText: 'First wording' }).first();
    await first.hover();
    await first.getByRole('button', { name: 'Edit the message' }).click();
    const field = page.getByRole('textbox', { name: 'Your message, to be asked anew' });
    await field.press('Escape');
    await first.getByRole('button', { name: 'Edit the message' }).click();
    await field.fill('第二种问法');
    await expectAccessible(page);
    await field.press('Enter');
    await page.getByText('Version 2 of 2').waitFor();
    await finished(page);
    expect(await answers(page).count()).toBe(1);
    expect(await page.getByText('Below the first wording').count()).toBe(0);

    await page.reload();
    await page.getByRole('article').getByText('第二种问法').waitFor();
    await button(page, 'Previous version').click();
    await page.getByText('Below the first wording').waitFor();
    expect(await answers(page).count()).toBe(2);
    await capture(page, 'question-versions');
  });

  test('words are found in messages of both languages, also on a branch that is not shown', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'Where do axolotls live?');
    await finished(page);
    const question = page.getByRole('article').filter({ hasText: 'axolotls' });
    await question.hover();
    await question.getByRole('button', { name: 'Edit the message' }).click();
    await page.getByRole('textbox', { name: 'Your message, to be asked anew' }).fill('美西螈住在哪里？');
    await page.getByRole('textbox', { name: 'Your message, to be asked anew' }).press('Enter');
    await page.getByText('Version 2 of 2').waitFor();
    await finished(page);
    await page.getByRole('link', { name: 'New chat' }).first().click();
    await page.keyboard.press('Control+k');
    const search = page.getByRole('searchbox', { name: 'Search' });
    await search.fill('西螈');
    await page
      .getByRole('status')
      .getByText(/^Found in/)
      .waitFor();
    await search.fill('xolot');
    await page.locator('nav mark').getByText('xolot', { exact: true }).waitFor();
    await expectAccessible(page);
    await capture(page, 'search');
    await page.locator('a[href*="#"]', { hasText: 'axolotls' }).first().click();
    await page.getByRole('article').getByText('Where do axolotls live?').waitFor();
    await page.getByText('Version 1 of 2').waitFor();
    await search.fill('nothing has these words');
    await page.getByText('Nothing was found.').waitFor();
    await search.press('Escape');
    await page.getByRole('link', { name: 'Where do axolotls live?' }).waitFor();
  });

  test('a conversation is pinned, and shared by a link that anybody can read until it is revoked', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'Worth sharing 值得分享');
    await finished(page);
    const written = await textOf(page);
    const menu = button(page, 'More for “Worth sharing 值得分享”');
    await menu.click();
    await page.getByRole('menuitem', { name: 'Pin' }).click();
    await page.getByRole('region', { name: 'Pinned' }).getByRole('link', { name: 'Worth sharing' }).waitFor();
    await menu.click();
    await page.getByRole('menuitem', { name: 'Share …' }).click();
    await button(page, 'Create a link').click();
    const link = page.getByRole('dialog').getByRole('link');
    const address = (await link.getAttribute('href')) ?? '';
    expect(address).toMatch(new RegExp(`^${server.url}/share/[\\w-]{32}$`));
    await expectAccessible(page);
    await capture(page, 'share');

    // Without an account.
    const context = await browser.newContext({ locale: 'zh-CN', colorScheme: 'dark' });
    const visitor = await context.newPage();
    const complaints = listen(visitor);
    await visitor.goto(address);
    await visitor.getByRole('heading', { level: 1, name: 'Worth sharing 值得分享' }).waitFor();
    expect(await visitor.locator('.markdown').textContent()).toBe(written);
    await expectAccessible(visitor);
    await capture(visitor, 'shared-chinese-dark');
    expect(complaints).toEqual([]);

    await button(page, 'Revoke the link').click();
    await link.waitFor({ state: 'detached' });
    await visitor.reload();
    await visitor.getByText('这个链接没有内容').waitFor();
    await visitor.context().close();
  });

  test('a thumb and its comment are kept, changed and taken back', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'Judge this');
    await finished(page);
    const down = button(page, 'Bad answer');
    const up = button(page, 'Good answer');
    await down.click();
    await page.getByRole('textbox', { name: 'Comment (optional)' }).fill('It never ends. 没完没了。');
    await expectAccessible(page);
    await capture(page, 'feedback');
    await button(page, 'Save').click();
    await page.getByText('It never ends. 没完没了。').waitFor();

    await page.reload();
    await page.getByText('It never ends. 没完没了。').waitFor();
    expect(await down.getAttribute('aria-pressed')).toBe('true');

    await up.click();
    await expect.poll(() => up.getAttribute('aria-pressed')).toBe('true');
    expect(await down.getAttribute('aria-pressed')).toBe('false');
    await button(page, 'Remove my vote').click();
    await page.reload();
    await up.waitFor();
    expect(await up.getAttribute('aria-pressed')).toBe('false');
    expect(await page.getByText('It never ends.').count()).toBe(0);
  });

  test('a conversation is renamed and deleted; a deleted one says so', async () => {
    await setAnswers(page, shortest);
    await ask(page, 'To be renamed');
    await finished(page);
    await button(page, 'More for “To be renamed”').click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    const title = page.getByRole('textbox', { name: 'New title' });
    await title.fill('新的标题');
    await title.press('Enter');
    await page.getByRole('link', { name: '新的标题' }).waitFor();
    await expect.poll(() => page.title()).toBe('新的标题 · Parley');

    const address = page.url();
    await button(page, 'More for “新的标题”').click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').waitFor();
    await expectAccessible(page);
    await button(page, 'Cancel').click();
    await page.getByRole('link', { name: '新的标题' }).waitFor();
    await button(page, 'More for “新的标题”').click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await button(page, 'Delete').click();
    await page.waitForURL(`${server.url}/`);
    expect(await page.getByRole('link', { name: '新的标题' }).count()).toBe(0);

    await page.goto(address);
    await page.getByText('This conversation does not exist, or it was deleted.').waitFor();
    // The browser itself logs the 404 of that one request.
    open.complaints.length = 0;
  });

  test('the language and the theme are chosen and remembered', async () => {
    await button(page, 'Language').click();
    await page.getByRole('menuitemradio', { name: '中文' }).click();
    await button(page, '新对话')
      .or(page.getByRole('link', { name: '新对话' }))
      .first()
      .waitFor();
    await button(page, '外观').click();
    await page.getByRole('menuitemradio', { name: '深色' }).click();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: '今天想聊点什么？' }).waitFor();
    const root = page.locator('html');
    expect(await root.getAttribute('lang')).toBe('zh-CN');
    expect(await root.getAttribute('data-theme')).toBe('dark');
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(25, 27, 26)');
    await expectAccessible(page);
    await capture(page, 'welcome-chinese-dark');
  });

  test('drafts survive a reload, Enter belongs to the input method while it composes, shortcuts work', async () => {
    const composer = page.locator('#composer');
    await composer.fill('nihao');
    await composer.dispatchEvent('keydown', { key: 'Enter', isComposing: true });
    await composer.dispatchEvent('keydown', { key: 'Enter', keyCode: 229 });
    await composer.press('Shift+Enter');
    await page.keyboard.type('second line');
    expect(await composer.inputValue()).toBe('nihao\nsecond line');
    await page.reload();
    expect(await composer.inputValue()).toBe('nihao\nsecond line');

    await setAnswers(page, shortest);
    await ask(page, 'Then a new chat');
    await finished(page);
    await page.keyboard.press('Control+Shift+O');
    await page.waitForURL(`${server.url}/`);
    expect(await page.evaluate('document.activeElement?.id')).toBe('composer');
  });

  test('on a phone everything has its place', async () => {
    await page.context().close();
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    open = await openPage(browser, server.url, { ...phone, locale: 'zh-CN', colorScheme: 'dark' });
    page = open.page;
    await page.getByRole('heading', { level: 1, name: '今天想聊点什么？' }).waitFor();
    await expectAccessible(page);
    await page.locator('#composer').fill('手机上的问题');
    await button(page, '发送').tap();
    await page.getByRole('article').nth(1).locator('.markdown').waitFor();
    await finished(page);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBe(0);
    await expectAccessible(page);
    await capture(page, 'phone-chinese-dark');
    await button(page, '打开侧边栏').tap();
    await page.getByRole('dialog').getByRole('link', { name: '手机上的问题' }).waitFor();
    await expectAccessible(page);
    await capture(page, 'phone-sidebar-chinese-dark');
    await page.getByRole('dialog').getByRole('link', { name: '手机上的问题' }).tap();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

test('when the server dies in mid-answer, the page says so and offers to continue once it is back', async () => {
  let server = await startParley({ modelFolder: tiny });
  const { page } = await openPage(browser, server.url);
  try {
    await setAnswers(page, endless);
    await ask(page, 'Recite until the lights go out');
    const seen = await longerThan(page, 300);
    await server.kill();
    await page.getByText('The connection broke. Trying again …').waitFor();
    server = await startParley({ modelFolder: tiny, home: server.home, port: Number(new URL(server.url).port) });
    await page.getByText('The server stopped in mid-answer.').waitFor();
    // At most the last 250 ms of text may be lost.
    expect(seen.startsWith((await textOf(page)).slice(0, 100))).toBe(true);
    await button(page, 'Continue').click();
    await page.getByText('The server stopped in mid-answer.').waitFor({ state: 'detached' });
    await button(page, 'Stop the answer').click();
    await finished(page);
  } finally {
    await page.context().close();
    await server.close();
  }
});
