/**
 * The loop, closed in the browser: somebody chats and is not content, a trainer ranks, an administrator trains a reward
 * model and lets PPO improve the model by it, compares blind, promotes; and the first one reads what became of the
 * thumb, and talks to the model that it went into.
 */
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, expectAccessible, holdBack, launchBrowser, listen } from './browser.ts';
import { type ParleyServer, shippedModel, startParley } from './parley-server.ts';

let browser: Browser;
let server: ParleyServer;
/** What is trained here. What chats first is slower, so that a browser catches it in mid-answer. */
let learner: string;

beforeAll(async () => {
  learner = shippedModel() ?? writeTinyModel({ context: 512 });
  server = await startParley({ modelFolder: writeTinyModel({ context: 6144, idleLayers: 46 }) });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
const answers = (page: Page) => page.getByRole('article').filter({ has: page.getByText('Parley answered:') });
const lastAnswer = (page: Page) => answers(page).last().locator('.markdown');

/** A person with a browser that nobody has used yet, who registers. The first becomes the administrator. */
async function register(name: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(server.url);
  const create = button(page, 'Create an account');
  await create.or(page.getByRole('heading', { name: 'Create the first account' })).waitFor();
  if (await create.isVisible()) await create.click();
  await field(page, 'Name').fill(name);
  await field(page, 'E-mail').fill(`${name.toLowerCase()}@example.org`);
  await field(page, 'Password').fill('a password for journeys');
  await field(page, 'Password').press('Enter');
  await page.locator('#composer').waitFor();
  return { page, complaints };
}

async function ask(page: Page, question: string): Promise<void> {
  const composer = page.locator('#composer');
  await composer.fill(question);
  await composer.press('Enter');
  await page.getByRole('article').getByText(question, { exact: true }).waitFor();
}

const finished = (page: Page) => button(page, 'Send').waitFor({ timeout: 120_000 });

async function longerThan(page: Page, length: number): Promise<string> {
  const text = async () => ((await lastAnswer(page).textContent()) ?? '').trim();
  await expect.poll(async () => (await text()).length, { timeout: 60_000 }).toBeGreaterThan(length);
  return text();
}

async function answersAtMost(page: Page, tokens: 'fewest' | 'most'): Promise<void> {
  await button(page, 'Answer settings').click();
  await page.getByRole('slider', { name: 'Temperature' }).press('Home');
  await page.getByRole('slider', { name: 'Longest answer' }).press(tokens === 'most' ? 'End' : 'Home');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Fills the form in as little as it takes, and waits until the run is done. */
async function run(page: Page, recipe: string, name: string, numbers: Record<string, number> = {}): Promise<void> {
  await page.goto(`${server.url}/lab/new`);
  await field(page, 'Recipe').selectOption({ label: recipe });
  await field(page, 'Name').fill(name);
  if (Object.keys(numbers).length > 0) await page.getByText(/^All other settings/).click();
  for (const [label, value] of Object.entries(numbers)) await field(page, label).fill(String(value));
  await button(page, 'Start').click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
  await page
    .getByText(/^(done|failed)$/)
    .first()
    .waitFor({ timeout: 300_000 });
  expect(await page.getByRole('alert').allTextContents()).toEqual([]);
}

test('from a thumb down to the model that learned from it, and back', async () => {
  const ada = await register('Ada');
  const grace = await register('Grace');
  await chatAndComplain(grace.page);
  await rank(ada.page);
  await train(ada.page);
  await compareAndPromote(ada.page);
  await readWhatBecameOfIt(grace.page);
  await rollBack(ada.page);
  expect([...ada.complaints, ...grace.complaints]).toEqual([]);
});

/** Chinese, reload in mid-answer, stop, continue, regenerate, branch; then a thumb down with a comment. */
async function chatAndComplain(page: Page): Promise<void> {
  await answersAtMost(page, 'most');
  await ask(page, '请背一首很长的诗');
  const before = await longerThan(page, 40);
  await page.reload();
  expect((await longerThan(page, before.length)).startsWith(before)).toBe(true);
  await button(page, 'Stop the answer').click();
  await page.getByText('You stopped this answer.').waitFor();
  const stopped = await longerThan(page, 0);
  await button(page, 'Continue').click();
  await longerThan(page, stopped.length);
  await button(page, 'Stop the answer').click();
  await page.getByText('You stopped this answer.').waitFor();

  await answersAtMost(page, 'fewest');
  await button(page, 'Answer again').last().click();
  await finished(page);
  await page.getByText('Version 2 of 2').first().waitFor({ state: 'attached' });
  await page.getByText('请背一首很长的诗').first().hover();
  await button(page, 'Edit the message').first().click();
  const editor = page.getByRole('textbox').filter({ hasText: '请背一首很长的诗' });
  await editor.fill('法国的首都是哪里？');
  await button(page, 'Send').first().click();
  await page.getByRole('article').getByText('法国的首都是哪里？', { exact: true }).waitFor();
  await finished(page);
  await page.getByText('Version 2 of 2').first().waitFor({ state: 'attached' });

  await button(page, 'Bad answer').last().click();
  await button(page, 'Not true').click();
  await page.getByRole('textbox', { name: 'Comment (optional)' }).fill('应该是巴黎。');
  await button(page, 'Write a better answer').click();
  await page.getByRole('textbox', { name: 'A better answer' }).fill('法国的首都是巴黎。');
  await button(page, 'Save').click();
  await page.getByText('应该是巴黎。').waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-1-thumb');
}

/** The model that is to learn answers from now on; its answers to what was complained about, and to more, are ranked. */
async function rank(page: Page): Promise<void> {
  await page.goto(`${server.url}/lab/models`);
  await field(page, 'Folder, with its whole path').fill(learner);
  await button(page, 'Import').click();
  const models = page.getByRole('link', { name: /parameters/ });
  await expect.poll(() => models.count(), { timeout: 60_000 }).toBe(2);
  await models.first().click();
  await button(page, 'Promote').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await page.goto(`${server.url}/workbench/tasks`);
  await page.getByText('Not true · 应该是巴黎。').waitFor();
  await button(page, 'Make a ranking task').click();
  await page.getByText('is a task').waitFor();
  const prompts = ['Who are you?', 'Tell me a joke.', '你好！', 'What is the capital of Japan?'];
  await page.getByRole('textbox', { name: 'Prompts' }).fill(prompts.join('\n'));
  await button(page, 'Make tasks').click();
  await expect.poll(() => page.getByText(/· open ·/).count(), { timeout: 120_000 }).toBe(prompts.length + 1);
  await capture(page, 'loop-2-tasks');

  for (let left = prompts.length + 1; left > 0; left--) {
    await page.goto(`${server.url}/workbench`);
    await page.getByRole('link', { name: /Rank answers/ }).press('Enter');
    const cards = page.getByRole('region', { name: /^Answer [A-I]: / });
    await cards.first().waitFor();
    const count = await cards.count();
    for (let place = 0; place < count; place++) {
      const focused = () => page.evaluate('document.activeElement?.ariaLabel ?? ""') as Promise<string>;
      await expect.poll(focused).toMatch(/no rank yet$/);
      await page.locator(':focus').press(String(count - place));
    }
    await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toMatch(/^Review/);
    await page.locator(':focus').press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toMatch(/^Hand in/);
    await page.locator(':focus').press('Enter');
    await page
      .getByRole('heading', { name: 'Nothing left to do' })
      .or(page.getByRole('region', { name: /^Answer A: no rank yet/ }))
      .first()
      .waitFor();
  }
}

async function train(page: Page): Promise<void> {
  await run(page, 'Snapshot of what people said', 'said');
  await run(page, 'Reward model', 'judge');
  await capture(page, 'loop-3-reward');
  await run(page, 'PPO', 'pupil', { Steps: 6 });
  await page
    .getByRole('img', { name: /Reward/ })
    .first()
    .waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-4-ppo');
  await page.getByRole('link', { name: 'Look at its answers token by token' }).click();
  await page.getByText(/Score -?\d/).waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-5-tokens');
}

async function compareAndPromote(page: Page): Promise<void> {
  await page.goto(`${server.url}/lab/comparisons`);
  await field(page, 'Model').selectOption('pupil');
  await field(page, 'Questions, one a line').fill('Who are you?\n讲个笑话');
  await button(page, 'Have both answer').click();
  await page.getByText('waits for your judgement').waitFor({ timeout: 120_000 });
  await page.getByRole('link', { name: /pupil/ }).click();
  await page.getByText('2 questions left').waitFor();
  expect(await page.getByText('pupil').count()).toBe(0);
  await capture(page, 'loop-6-blind');
  await page.getByRole('button', { name: /^Both alike/ }).click();
  await page.getByText('1 question left').waitFor();
  await page.getByRole('button', { name: /^Both alike/ }).click();
  await page.getByText(/wins 50.*2 votes/).waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-7-comparison');

  await page.goto(`${server.url}/lab/models/pupil`);
  await button(page, 'Promote').click();
  await field(page, 'Why').fill('Nobody liked it less.');
  await page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.goto(`${server.url}/lab/models`);
  await page.getByText('pupil was promoted').waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-8-models');
}

async function readWhatBecameOfIt(page: Page): Promise<void> {
  await button(page, 'Bad answer').last().click();
  await page.getByRole('link', { name: 'What became of it' }).first().click();
  await page.getByText(/It was used in .*judge.*pupil.*\. pupil answers people now\./).waitFor();
  await expectAccessible(page);
  await capture(page, 'loop-9-lineage');

  await page.goto(server.url);
  await page.getByRole('button', { name: /^pupil/ }).waitFor();
  await ask(page, '你好');
  await finished(page);
  await longerThan(page, 0);
}

async function rollBack(page: Page): Promise<void> {
  await page.goto(`${server.url}/lab/models`);
  await page.getByRole('button', { name: /^Go back to / }).click();
  await field(page, 'Why').fill('Only a rehearsal.');
  const letModelsPass = await holdBack(page, '**/api/lab/models');
  await button(page, 'Go back').click();
  // The history is there already: a dialog that waited for the models too would ask about the model just left.
  await page.getByText(/^Went back to /).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('Only a rehearsal.').waitFor();
  letModelsPass();
  await page.unrouteAll({ behavior: 'wait' });
}
