/** From a thumb down to a snapshot: feedback, drafts side by side, and the workbench, in a real browser. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverEnvironment } from '@parley/server/test-database';
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, expectAccessible, holdBack, launchBrowser, openPage } from './browser.ts';
import { type ParleyServer, shippedModel, startParley } from './parley-server.ts';

let browser: Browser;
let server: ParleyServer;
beforeAll(async () => {
  browser = await launchBrowser();
  server = await startParley({ modelFolder: shippedModel() ?? writeTinyModel(), draftsEvery: 1 });
});
afterAll(async () => {
  await server?.close();
  await browser?.close();
});

/** As much of a line of preferences.jsonl as is looked at here. */
interface RankingLine {
  prompt: { content: string }[];
  ranking: number[];
  shownOrder: number[];
  milliseconds: number;
  origins: (object | null)[];
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const cards = (page: Page) => page.getByRole('region', { name: /^(Answer|回答) [A-I]: / });
const letters = (page: Page) =>
  cards(page).evaluateAll((all) => all.map((card) => /[A-I](?=:)/.exec(card.ariaLabel ?? '')?.[0]).join(''));
const focusedName = (page: Page) => page.evaluate('document.activeElement?.ariaLabel ?? ""') as Promise<string>;

async function ask(page: Page, question: string): Promise<void> {
  const composer = page.locator('#composer');
  await composer.fill(question);
  await composer.press('Enter');
  // A small model may answer with the very words.
  await page.getByRole('article').getByText(question, { exact: true }).first().waitFor();
  await page.getByRole('button', { name: /^(Send|发送)$/ }).waitFor({ timeout: 180_000 });
}

/** Has the administrator make a ranking task of each prompt, and waits until the model has written the answers. */
async function rankingTasks(page: Page, ...prompts: string[]): Promise<void> {
  await page.goto(`${server.url}/workbench/tasks`);
  await page.getByRole('textbox', { name: 'Prompts' }).fill(prompts.join('\n'));
  await button(page, 'Make tasks').click();
  for (const prompt of prompts)
    await taskRow(page, prompt)
      .getByText(/· open ·/)
      .waitFor({ timeout: 180_000 });
}
const taskRow = (page: Page, question: string) =>
  page
    .getByRole('region', { name: 'All tasks' })
    .or(page.locator('section').filter({ hasText: 'All tasks' }))
    .getByRole('listitem')
    .filter({ hasText: question });

test('two drafts are compared; the better one goes on and the other stays as a version', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await ask(page, 'Tell me a joke.');
  await page.getByRole('heading', { name: 'Which is better?' }).waitFor();
  const better = button(page, 'A is better');
  await expect.poll(() => better.isEnabled(), { timeout: 60_000 }).toBe(true);
  const left = await page.getByRole('article').filter({ hasText: 'Draft A' }).locator('.markdown').textContent();
  await expectAccessible(page);
  await capture(page, 'drafts');
  await better.click();
  await page.getByRole('heading', { name: 'Which is better?' }).waitFor({ state: 'detached' });
  const answer = page.getByRole('article').last().locator('.markdown');
  await expect.poll(() => answer.textContent()).toBe(left);
  await page.reload();
  await expect.poll(() => answer.textContent()).toBe(left);
  await page.getByText(/Version [12] of 2/).waitFor({ state: 'attached' });

  await ask(page, 'And who are you?');
  expect(await page.getByRole('heading', { name: 'Which is better?' }).count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('drafts can be chosen from even if the first one ends before the list with the second has come', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  let heldBack = 0;
  let letListsPass = () => {};
  const firstEnded = new Promise<void>((resolve) => {
    letListsPass = resolve;
  });
  await page.route(/\/api\/conversations\/[^/]+\/messages$/, async (route) => {
    if (route.request().method() === 'GET') {
      heldBack++;
      await firstEnded;
    }
    // The page may have dropped it by now.
    await route.continue().catch(() => undefined);
  });
  await ask(page, 'Tell me another joke.');
  letListsPass();
  const better = button(page, 'A is better');
  await better.waitFor();
  await expect.poll(() => better.isEnabled(), { timeout: 60_000 }).toBe(true);
  expect(heldBack).toBeGreaterThan(0);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a thumb down becomes a ranking task with one click, is ranked by keys alone, and a snapshot holds it', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await ask(page, 'What is the capital of Japan?');
  // The first answer of this conversation may have come as two drafts.
  const drafts = page.getByRole('heading', { name: 'Which is better?' });
  if (await drafts.isVisible()) {
    const left = button(page, 'A is better');
    await expect.poll(() => left.isEnabled(), { timeout: 60_000 }).toBe(true);
    await left.click();
    await drafts.waitFor({ state: 'detached' });
  }
  await button(page, 'Bad answer').click();
  await button(page, 'Not true').click();
  await page.getByRole('textbox', { name: 'Comment (optional)' }).fill('It is Tokyo. 是东京。');
  await expectAccessible(page);
  await capture(page, 'feedback-reasons');
  await button(page, 'Save').click();
  await page.getByText('It is Tokyo. 是东京。').waitFor();

  await page.goto(`${server.url}/workbench/tasks`);
  await page.getByText('Not true · It is Tokyo. 是东京。').waitFor();
  await expectAccessible(page);
  await capture(page, 'workbench-tasks');
  await button(page, 'Make a ranking task').click();
  await page.getByText('is a task').waitFor();
  await taskRow(page, 'What is the capital of Japan?')
    .getByText(/· open ·/)
    .waitFor({ timeout: 180_000 });

  await page.goto(`${server.url}/workbench`);
  await page.getByText('1 task for you').waitFor();
  await page.getByRole('link', { name: /Rank answers/ }).press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Rank answers' }).waitFor();
  await expect.poll(() => focusedName(page)).toBe('Answer A: no rank yet');
  await expectAccessible(page);
  await capture(page, 'rank');
  const count = await cards(page).count();
  // From the last shown to the first: never the order that was shown. The focus goes on by itself.
  for (let rank = count; rank >= 1; rank--) {
    await expect.poll(() => focusedName(page)).toMatch(/no rank yet$/);
    await page.locator(':focus').press(String(rank));
  }
  await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toMatch(/^Review/);
  await capture(page, 'rank-done');
  await page.locator(':focus').press('Enter');
  await page.getByRole('heading', { name: 'Is this right?' }).waitFor();
  expect(await page.getByText('This is exactly the order').count()).toBe(0);
  await expectAccessible(page);
  await capture(page, 'rank-review');
  await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toMatch(/^Hand in/);
  await page.locator(':focus').press('Enter');
  await page.getByRole('heading', { name: 'Nothing left to do' }).waitFor();

  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '../cli/bin.mjs'), 'data', 'snapshot', '--json'],
    { env: { ...(await serverEnvironment(server.home)), PARLEY_HOME: server.home } },
  );
  const { folder, lines } = JSON.parse(stdout);
  expect(lines).toMatchObject({ rankings: 1, thumbs: 1 });
  const ranking: RankingLine = readFileSync(join(folder, 'preferences.jsonl'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"ranking"') ? JSON.parse(line) : []))[0];
  expect(ranking.prompt.at(-1)!.content).toBe('What is the capital of Japan?');
  // The first one shown was typed to be the last, and so on.
  expect(ranking.shownOrder.map((index) => ranking.ranking[index])).toEqual(
    Array.from({ length: count }, (_, place) => count - place),
  );
  expect(ranking.milliseconds).toBeGreaterThan(0);
  expect(ranking.origins.every((origin) => origin !== null)).toBe(true);

  await page.goto(`${server.url}/workbench`);
  await page.getByText(/in snapshot [0-9a-f]{12}/).waitFor();
  await expectAccessible(page);
  await capture(page, 'workbench');
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('answers are dragged, tied, drafted, handed in as shown only after a warning, and taken up again', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await rankingTasks(page, 'Tell me a story.');
  await page.goto(`${server.url}/workbench/rank`);
  await cards(page).first().waitFor();
  const shown = await letters(page);
  const last = shown.at(-1)!;

  // A click on the grip is no drag; 8 px are.
  const grip = button(page, `Drag answer ${last}`);
  await grip.click();
  expect(await letters(page)).toBe(shown);
  const from = (await grip.boundingBox())!;
  const to = (await button(page, `Drag answer ${shown[0]}`).boundingBox())!;
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(from.x + 10, from.y - 10, { steps: 4 });
  await page.mouse.move(to.x + 10, to.y + 10, { steps: 12 });
  await page.mouse.up();
  await expect.poll(() => letters(page)).toBe(last + shown.slice(0, -1));

  // And by the keyboard sensor of the grip.
  await grip.focus();
  await grip.press('Space');
  await page.getByText(`Answer ${last} is over place 1.`).waitFor({ state: 'attached' });
  await grip.press('ArrowRight');
  await page.getByText(`Answer ${last} is over place 2.`).waitFor({ state: 'attached' });
  await grip.press('Space');
  await expect.poll(() => letters(page)).toBe(`${shown[0]}${last}${shown.slice(1, -1)}`);

  await button(page, `Tie answer ${last} with the one above`).click();
  await page.getByText('tied with the one above').waitFor();
  await page.keyboard.press('Control+s');
  await page.getByText('Draft saved').first().waitFor();
  const drafted = await letters(page);
  await page.reload();
  await expect.poll(() => letters(page)).toBe(drafted);
  await page.getByText('tied with the one above').waitFor();

  // Back to the order in which they were shown.
  for (const [index, letter] of [...shown].entries()) {
    await page.getByRole('region', { name: new RegExp(`^Answer ${letter}: `) }).press(String(index + 1));
  }
  await button(page, 'Review').click();
  await page.getByText('This is exactly the order in which the answers were shown.').waitFor();
  await page.keyboard.press('Escape');
  await button(page, `Move answer ${shown[0]} down`).click();
  await button(page, 'Review').click();
  await page.getByRole('heading', { name: 'Is this right?' }).waitFor();
  expect(await page.getByText('This is exactly the order').count()).toBe(0);
  await button(page, 'Hand in').click();
  await button(page, 'Undo the last').click();
  await expect.poll(() => letters(page)).toBe(`${shown[1]}${shown[0]}${shown.slice(2)}`);
  await page.getByRole('checkbox', { name: 'None is good' }).check();
  await button(page, 'Review').click();
  await page.getByText('You say that none of these answers is good.').waitFor();
  await button(page, 'Hand in').click();
  await page.getByRole('heading', { name: 'Nothing left to do' }).waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});

const phone: BrowserContextOptions = {
  ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  ...{ locale: 'zh-CN', colorScheme: 'dark' },
};

test('on a phone answers are moved by touch, in Chinese and in the dark', async () => {
  const preparing = await openPage(browser, server.url);
  await rankingTasks(preparing.page, '请介绍一下你自己', '讲个笑话');
  await preparing.page.context().close();
  const { page, complaints } = await openPage(browser, server.url, phone);
  await page.goto(`${server.url}/workbench/rank`);
  await cards(page).first().waitFor();
  const shown = await letters(page);
  await page.getByRole('button', { name: `下移回答 ${shown[0]}` }).tap();
  await expect.poll(() => letters(page)).toBe(`${shown[1]}${shown[0]}${shown.slice(2)}`);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  await expectAccessible(page);
  await capture(page, 'rank-phone-chinese-dark');
  await page.getByRole('button', { name: '评判准则' }).tap();
  await page.getByRole('heading', { name: '怎样评判回答' }).waitFor();
  await expectAccessible(page);
  await capture(page, 'guidelines-phone-chinese-dark');
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).tap();
  await page.getByRole('button', { name: '检查' }).tap();
  await page.getByRole('heading', { name: '这样对吗？' }).waitFor();
  await page.getByRole('button', { name: '提交' }).tap();
  await page.getByRole('button', { name: '撤销上一个' }).waitFor();

  await page.getByRole('link', { name: '标注台' }).tap();
  await page.getByRole('heading', { level: 1, name: '标注台' }).waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  await expectAccessible(page);
  await capture(page, 'workbench-phone-chinese-dark');
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('what is handed in waits for a draft on its way, and no draft follows it', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await rankingTasks(page, 'Name three fruits.');
  const answers: string[] = [];
  page.on('response', (response) => {
    const asked = /tasks\/[^/]+\/(draft|submit)$/.exec(response.url())?.[1];
    if (asked) answers.push(`${asked} ${response.status()}`);
  });
  const letDraftsPass = await holdBack(page, '**/draft');

  await page.goto(`${server.url}/workbench/rank`);
  await cards(page).first().waitFor();
  const shown = await letters(page);
  await button(page, `Move answer ${shown[0]} down`).click();
  await page.keyboard.press('Control+s');
  await button(page, `Move answer ${shown[0]} down`).click();
  await button(page, 'Review').click();
  await button(page, 'Hand in').click();
  // Longer than a draft waits before it is saved by itself.
  await page.waitForTimeout(2_500);
  expect(answers).toEqual([]);
  letDraftsPass();
  await button(page, 'Undo the last').waitFor();
  await page.waitForTimeout(2_500);
  expect(answers.filter((answer) => answer !== 'draft 200')).toEqual(['submit 200']);
  expect(answers.at(-1)).toBe('submit 200');
  expect(complaints).toEqual([]);
  await page.context().close();
});

test.each<[string, BrowserContextOptions]>([
  ['chinese-dark', { locale: 'zh-CN', colorScheme: 'dark' }],
  ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
])('every page of the workbench is accessible and fits: %s', async (name, options) => {
  const { page, complaints } = await openPage(browser, server.url, options);
  for (const place of ['', '/tasks', '/rank', '/demonstrate', '/label']) {
    await page.goto(`${server.url}/workbench${place}`);
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), place).toBe(0);
    await expectAccessible(page);
    await capture(page, `workbench${place.replace('/', '-')}-${name}`);
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a conversation is written and an answer labelled', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await page.goto(`${server.url}/workbench/tasks`);
  await page.getByRole('combobox', { name: 'What is to be done' }).selectOption('label');
  await page.getByRole('textbox', { name: 'Prompts' }).fill('Who are you?');
  await button(page, 'Make tasks').click();
  await taskRow(page, 'Who are you?')
    .getByText(/· open ·/)
    .waitFor({ timeout: 180_000 });

  await page.goto(`${server.url}/workbench/label`);
  await page.getByRole('group', { name: 'Does it do what was asked?' }).getByRole('radio', { name: 'Yes' }).check();
  await page.getByRole('group', { name: 'Is it in the right language?' }).getByRole('radio', { name: 'Yes' }).check();
  for (const scale of ['Quality', 'Helpfulness', 'Style']) {
    await page.getByRole('group', { name: scale }).getByRole('radio', { name: '4' }).check();
  }
  await page.getByRole('checkbox', { name: 'Not true' }).check();
  await expectAccessible(page);
  await capture(page, 'label');
  await button(page, 'Hand in').click();
  await page.getByRole('heading', { name: 'Nothing left to do' }).waitFor();

  await page.goto(`${server.url}/workbench/demonstrate`);
  await page.getByRole('textbox', { name: 'The user' }).fill('How do I greet somebody in Chinese?');
  await page.getByRole('textbox', { name: 'The assistant' }).fill('Say “你好”. To several people: “大家好”.');
  await expectAccessible(page);
  await capture(page, 'demonstrate');
  await page.getByRole('textbox', { name: 'The assistant' }).press('Control+Enter');
  await page.getByRole('heading', { name: 'Is this right?' }).waitFor();
  await button(page, 'Hand in').click();
  await button(page, 'Undo the last').waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});
