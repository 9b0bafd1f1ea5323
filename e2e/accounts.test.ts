/** Accounts, journeyed through in a real browser: first account, keys, people, settings, and leaving. */
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, expectAccessible, launchBrowser, listen } from './browser.ts';
import { type ParleyServer, startParley } from './parley-server.ts';

let browser: Browser;
let server: ParleyServer;
beforeAll(async () => {
  server = await startParley({ modelFolder: writeTinyModel({ context: 512 }) });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

/** A browser that nobody has used yet. */
async function freshPage(path = '/'): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(server.url + path);
  return { page, complaints };
}

async function open(page: Page, item: string): Promise<void> {
  await button(page, 'Your account').click();
  await page.getByRole('menuitem', { name: item }).click();
}

/** Until the page itself is there, and not the one before it. */
async function opened(page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

test('from the first account to the last', async () => {
  const { page, complaints } = await freshPage();
  await page.getByRole('heading', { name: 'Create the first account' }).waitFor();
  await expectAccessible(page);
  await capture(page, 'first-account');
  await field(page, 'Name').fill('Ada');
  await field(page, 'E-mail').fill('ada@example.org');
  await field(page, 'Password').fill('a password for journeys');
  await field(page, 'Password').press('Enter');
  await page.locator('#composer').waitFor();

  // Out, and in again by the keyboard alone.
  await open(page, 'Sign out');
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  await expectAccessible(page);
  await field(page, 'E-mail').fill('ada@example.org');
  await field(page, 'E-mail').press('Tab');
  await page.keyboard.type('a password for journeys');
  await page.keyboard.press('Enter');
  await page.locator('#composer').waitFor();

  // A key, which a program then uses.
  await open(page, 'Account');
  await opened(page, 'Your account');
  await field(page, 'What it is for').fill('notebook');
  await button(page, 'Create key').click();
  const secret = (await page.getByText(/^parley-[\w-]{43}$/).textContent())!;
  await expectAccessible(page);
  await capture(page, 'account');
  const models = () => fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await models()).status).toBe(200);
  await button(page, 'Revoke notebook').click();
  await button(page, 'Revoke notebook').waitFor({ state: 'detached' });
  expect((await models()).status).toBe(401);

  // Grace is let in, and chooses her password by the link.
  await open(page, 'Administration');
  await opened(page, 'Administration');
  await field(page, 'Name').fill('Grace');
  await field(page, 'E-mail').fill('grace@example.org');
  await page.getByLabel('Role', { exact: true }).selectOption('trainer');
  await button(page, 'Create account and link').click();
  const link = (await page.getByText(/new-password#/).textContent())!;
  await expectAccessible(page);
  await capture(page, 'people');
  const grace = await freshPage(new URL(link).pathname + new URL(link).hash);
  await field(grace.page, 'Password').fill('another fine password');
  await field(grace.page, 'Password').press('Enter');
  await field(grace.page, 'E-mail').fill('grace@example.org');
  await field(grace.page, 'Password').fill('another fine password');
  await field(grace.page, 'Password').press('Enter');
  await grace.page.locator('#composer').waitFor();
  await button(grace.page, 'Your account').click();
  await grace.page.getByRole('menuitem', { name: 'Workbench' }).waitFor();
  expect(await grace.page.getByRole('menuitem', { name: 'Administration' }).count()).toBe(0);
  await grace.page.keyboard.press('Escape');

  // Nobody else comes in any more, and who did what can be read.
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Everybody may create an account').uncheck();
  await button(page, 'Save').click();
  await page.getByText('The settings hold from now on.').waitFor();
  await expectAccessible(page);
  const stranger = await freshPage();
  await stranger.page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(await button(stranger.page, 'Create an account').count()).toBe(0);
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText('changed the settings').waitFor();
  await expectAccessible(page);
  await capture(page, 'audit-log');

  // Shut out in mid-visit, Grace is asked who she is.
  await page.getByRole('link', { name: 'People' }).click();
  await button(page, 'More for Grace').click();
  await page.getByRole('menuitem', { name: 'Disable the account' }).click();
  await page.getByText(/^disabled/).waitFor();
  await grace.page.reload();
  await grace.page.getByRole('heading', { name: 'Welcome back' }).waitFor();

  // Ada cannot leave the installation without an administrator.
  await open(page, 'Account');
  await opened(page, 'Your account');
  await field(page, 'Your password, to be sure').fill('a password for journeys');
  await button(page, 'Delete my account for good').click();
  await page
    .getByRole('alert')
    .getByText(/last administrator/)
    .waitFor();
  // The browser itself tells of the 409 that was just asked for.
  expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
});
