/** The main ways through the product, by keyboard alone: nothing is clicked, and the focus is where one goes on. */
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchBrowser, type OpenPage, openPage } from './browser.ts';
import { type FilledHome, fillHome, openAdasAccount } from './filled-home/index.ts';
import { type ParleyServer, startParley } from './parley-server.ts';

let browser: Browser;
let server: ParleyServer;
let filled: FilledHome;
let open: OpenPage;
let page: Page;

beforeAll(async () => {
  // Slow enough to be stopped before its end.
  const modelFolder = writeTinyModel({ name: 'parley-tiny', context: 6144, idleLayers: 46 });
  filled = await fillHome(modelFolder, 'parley-tiny');
  server = await startParley({ modelFolder, home: filled.home });
  await openAdasAccount(server.url);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(async () => {
  open = await openPage(browser, server.url, { reducedMotion: 'reduce' });
  page = open.page;
  await page.locator('#composer').waitFor();
});
afterEach(async () => {
  expect(open.complaints).toEqual([]);
  await page.context().close();
});

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const press = (key: string) => page.keyboard.press(key);
const hasFocus = (target: Locator) => target.and(page.locator(':focus')).isVisible();
/** The focus moves a moment after what moves it, and a key pressed before that goes to where it was. */
const soon = { timeout: 20_000 };
const focusIsOn = (target: Locator) => expect.poll(() => hasFocus(target), soon).toBe(true);
const menuHasFocus = () => expect.poll(() => page.getByRole('menu').locator(':focus').count(), soon).toBe(1);
/** Where a button explains itself, Escape ends its explanation first. */
const closeByEscape = (dialog: Locator) =>
  expect
    .poll(async () => {
      if (await dialog.isVisible()) await press('Escape');
      return dialog.isVisible();
    }, soon)
    .toBe(false);
const visit = async (path: string, heading: string) => {
  await page.goto(server.url + path);
  await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
};

/** Tab by Tab, or back, until it has the focus. */
async function tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.first().waitFor();
  for (let steps = 0; steps < 120; steps++) {
    if (await hasFocus(target)) return;
    await press(key);
  }
  throw new Error(`${key} does not lead to ${target}`);
}

/** As many Tabs as would leave a dialog that lets the focus go. */
async function expectTrapped(dialog: Locator): Promise<void> {
  for (let steps = 0; steps < 12; steps++) {
    await press('Tab');
    await expect
      .poll(
        () =>
          dialog
            .locator(':focus')
            .or(dialog.and(page.locator(':focus')))
            .count(),
        soon,
      )
      .toBe(1);
  }
}

test('chat: send, stop, continue, answer again, turn to the version before, and say what was wrong', async () => {
  const answer = page.locator('.markdown').last();
  const length = async () => ((await answer.textContent()) ?? '').length;
  await tabTo(button('Answer settings'));
  await press('Enter');
  await tabTo(page.getByRole('slider', { name: 'Longest answer' }));
  await press('End');
  await tabTo(page.getByRole('slider', { name: 'Temperature' }), 'Shift+Tab');
  await press('Home');
  await expectTrapped(page.getByRole('dialog'));
  await closeByEscape(page.getByRole('dialog'));
  await focusIsOn(button('Answer settings'));

  await tabTo(page.locator('#composer'), 'Shift+Tab');
  await page.keyboard.type('Recite');
  await press('Enter');
  await expect.poll(length, { timeout: 60_000 }).toBeGreaterThan(40);
  await press('Escape');
  await page.getByText('You stopped this answer.').waitFor();
  const stopped = await length();
  await tabTo(button('Continue'), 'Shift+Tab');
  await press('Enter');
  await expect.poll(length, { timeout: 60_000 }).toBeGreaterThan(stopped);
  await press('Escape');
  await page.getByText('You stopped this answer.').waitFor();
  await tabTo(button('Answer again').last(), 'Shift+Tab');
  await press('Enter');
  await button('Stop the answer').waitFor();
  await expect.poll(length, { timeout: 60_000 }).toBeGreaterThan(10);
  await press('Escape');
  await page.getByText('Version 2 of 2').waitFor({ state: 'attached' });
  await tabTo(button('Previous version'), 'Shift+Tab');
  await press('Enter');
  await page.getByText('Version 1 of 2').waitFor({ state: 'attached' });

  await tabTo(button('Bad answer').last());
  await press('Enter');
  await tabTo(button('Repeats itself'));
  await press('Space');
  await tabTo(page.getByRole('textbox', { name: 'Comment (optional)' }));
  await page.keyboard.type('On and on.');
  await press('Control+Enter');
  await page.getByText('On and on.').waitFor();
  await focusIsOn(button('Bad answer').last());
});

test('menus and dialogs give the focus back to what opened them', async () => {
  const account = button('Your account');
  await tabTo(account);
  await press('Enter');
  await menuHasFocus();
  await press('Escape');
  await focusIsOn(account);
  await press('Enter');
  await menuHasFocus();
  await press('End');
  await focusIsOn(page.getByRole('menuitem').last());
  await press('ArrowUp');
  await focusIsOn(page.getByRole('menuitem', { name: 'Administration' }));
  await press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Administration' }).waitFor();

  const more = button('More for 李明');
  await tabTo(more);
  await press('Enter');
  await menuHasFocus();
  await press('End');
  await focusIsOn(page.getByRole('menuitem').last());
  await press('Enter');
  const asking = page.getByRole('alertdialog');
  await focusIsOn(asking.getByRole('button', { name: 'Cancel' }));
  await expectTrapped(asking);
  await closeByEscape(asking);
  await focusIsOn(more);

  // Past the sidebar at once.
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await press('Tab');
  await focusIsOn(page.getByRole('link', { name: 'Skip to the page' }));
  await press('Enter');
  await focusIsOn(page.locator('main'));
  await press('Tab');
  await focusIsOn(page.getByRole('link', { name: 'People' }));
});

test('workbench: rank answers, and write a conversation', async () => {
  await visit('/workbench', 'Workbench');
  await tabTo(page.getByRole('link', { name: /Rank answers/ }));
  await press('Enter');
  const cards = page.getByRole('region', { name: /^Answer [A-I]: / });
  await cards.first().waitFor();
  const count = await cards.count();
  for (let rank = 1; rank <= count; rank++) {
    await focusIsOn(page.getByRole('region', { name: /no rank yet$/ }));
    await press(String(rank));
  }
  await focusIsOn(page.getByRole('button', { name: /^Review/ }));
  await press('Enter');
  await focusIsOn(page.getByRole('button', { name: /^Hand in/ }));
  await press('Enter');
  await tabTo(button('Undo the last'), 'Shift+Tab');

  await visit('/workbench/demonstrate', 'Write a conversation');
  const answer = page.getByRole('textbox', { name: 'The assistant' });
  await tabTo(answer);
  await page.keyboard.type('Say 你好.');
  await press('Control+Enter');
  await page.getByRole('heading', { name: 'Is this right?' }).waitFor();
  await focusIsOn(page.getByRole('button', { name: /^Hand in/ }));
  await press('Enter');
  await button('Undo the last').waitFor();
});

test('Lab: start a run, stop it, remove it, judge a comparison, promote a model', async () => {
  await visit('/lab', 'Runs');
  await tabTo(page.getByRole('link', { name: 'New run' }));
  await press('Enter');
  const recipe = page.getByRole('combobox', { name: 'Recipe' });
  await tabTo(recipe);
  await page.keyboard.type('Reward');
  await focusIsOn(recipe);
  await tabTo(page.getByText(/^All other settings/));
  await press('Enter');
  await tabTo(page.getByRole('spinbutton', { name: 'Epochs' }));
  await press('ArrowUp');
  await tabTo(button('Start'));
  await press('Enter');
  await page.getByRole('heading', { name: 'reward-2', exact: true }).waitFor();
  // Another one runs, so it waits.
  await tabTo(button('Stop'));
  await press('Enter');
  await tabTo(button('Remove'));
  await press('Enter');
  const asking = page.getByRole('alertdialog');
  await focusIsOn(asking.getByRole('button', { name: 'Cancel' }));
  await press('Tab');
  await press('Enter');
  await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();

  await page.goto(`${server.url}/comparisons/${filled.toJudge}`);
  const choices = page.getByRole('group', { name: 'Which answer is better?' });
  await choices.waitFor();
  for (const [index, key] of ['1', '2', '3'].entries()) {
    await page.getByText(`${4 - index} questions left`).waitFor();
    await press(key);
  }
  await page.getByText('1 question left').waitFor();
  await tabTo(choices.getByRole('button').last());
  await press('Enter');
  await page.getByText('ppo-1 against parley-tiny').waitFor();

  await visit('/lab/models/parley-tiny', 'parley-tiny');
  const promote = page.locator('main').getByRole('button', { name: 'Promote' });
  await tabTo(promote);
  await press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await expectTrapped(dialog);
  await closeByEscape(dialog);
  await focusIsOn(promote);
  await press('Enter');
  await tabTo(dialog.getByRole('textbox'));
  await page.keyboard.type('To see it answer.');
  await tabTo(dialog.getByRole('button', { name: 'Promote' }));
  await press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.locator('main').getByText('answers', { exact: true }).waitFor();
});

test('assistants and settings', async () => {
  await tabTo(page.getByRole('link', { name: 'Assistants', exact: true }), 'Shift+Tab');
  await press('Enter');
  await tabTo(page.getByRole('link', { name: 'New assistant' }));
  await press('Enter');
  await tabTo(page.getByRole('textbox', { name: 'Name' }));
  await page.keyboard.type('Lanterna shop');
  await press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Lanterna shop' }).waitFor();
  const remove = button('Delete this assistant');
  await tabTo(remove);
  await press('Enter');
  await focusIsOn(page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }));
  await press('Enter');
  await focusIsOn(remove);

  await visit('/administration/settings', 'Administration');
  const registration = page.getByRole('checkbox', { name: 'Everybody may create an account' });
  await tabTo(registration);
  await press('Space');
  expect(await registration.isChecked()).toBe(false);
  await tabTo(button('Save'));
  await press('Enter');
  await page.getByText('The settings hold from now on.').waitFor();
});
