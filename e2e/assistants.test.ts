/** Custom assistants and safety, journeyed through in a real browser. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, expectAccessible, launchBrowser, openPage } from './browser.ts';
import { type ParleyServer, shippedModel, startParley } from './parley-server.ts';

let browser: Browser;
let server: ParleyServer;

beforeAll(async () => {
  browser = await launchBrowser();
  server = await startParley({ modelFolder: shippedModel() ?? writeTinyModel() });
});
afterAll(async () => {
  await server?.close();
  await browser?.close();
});

const handbook = `# Delivery
We ship from our warehouse in Graz on working days. Parcels inside Austria arrive after two days, parcels to other countries of the European Union after four to six days.

# Warranty
All lamps have a warranty of three years. It covers the electronics and the switch, but neither glass shades that broke nor the battery.

# 保修
所有灯具保修三年，电池除外。请保留发票作为凭证。
`;

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

async function finished(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^(Send|发送)$/ }).waitFor({ timeout: 60_000 });
}

test('make an assistant with a document, ask, and open the citation', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await page.getByRole('link', { name: 'Assistants', exact: true }).click();
  await page.getByText('There is no assistant yet.').waitFor();
  await page.getByRole('link', { name: 'New assistant' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Lanterna shop');
  await page.getByRole('textbox', { name: 'Instructions' }).fill('You answer for a shop that sells lamps.');
  await page.getByRole('textbox', { name: 'Example questions' }).fill('How long is the warranty?\n保修多久？');
  await expectAccessible(page);
  await button(page, 'Create').click();

  await page.getByRole('heading', { level: 1, name: 'Lanterna shop' }).waitFor();
  await page
    .getByLabel('Add documents')
    .and(page.locator('input'))
    .setInputFiles({ name: 'handbook.md', mimeType: 'text/markdown', buffer: Buffer.from(handbook) });
  await page.getByText('Ready: 3 passages').waitFor();
  await expectAccessible(page);
  await capture(page, 'assistant-editor');

  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await button(page, 'How long is the warranty?').waitFor();
  await expectAccessible(page);
  await capture(page, 'assistant-welcome');
  await button(page, 'How long is the warranty?').click();
  await finished(page);
  await button(page, '1 handbook.md: show the passage').last().click();
  const mark = page.getByRole('dialog').locator('mark');
  await expect.poll(() => mark.textContent()).toContain('All lamps have a warranty of three years.');
  await expectAccessible(page);
  await capture(page, 'assistant-citation');
  await page.getByRole('dialog').press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await page.reload();
  await button(page, '1 handbook.md: show the passage').first().waitFor();
  await button(page, 'Check against the documents').click();
  await page.getByRole('region', { name: 'The answer beside the documents' }).waitFor();
  await expectAccessible(page);
  await capture(page, 'assistant-answer');
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('in Chinese, in the dark, on a phone', async () => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { page, complaints } = await openPage(browser, server.url, { ...phone, locale: 'zh-CN', colorScheme: 'dark' });
  await page.goto(`${server.url}/assistants`);
  await page.getByRole('heading', { level: 1, name: '助手' }).waitFor();
  await expectAccessible(page);
  await capture(page, 'assistants-phone-chinese-dark');
  await page.getByRole('link', { name: '编辑 Lanterna shop' }).tap();
  await page.getByText('就绪：3 个段落').waitFor();
  await expectAccessible(page);
  await capture(page, 'assistant-editor-phone-chinese-dark');
  await page.getByRole('link', { name: '开始对话' }).tap();
  await button(page, '保修多久？').tap();
  await finished(page);
  await button(page, '1 handbook.md：查看原文').last().tap();
  await expect.poll(() => page.getByRole('dialog').locator('mark').textContent()).toContain('所有灯具保修三年');
  await expectAccessible(page);
  await capture(page, 'assistant-citation-phone-chinese-dark');
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a visitor of a web site asks in its widget, and other sites cannot show it', async () => {
  const { page } = await openPage(browser, server.url);
  const { assistants } = await (await page.request.get(`${server.url}/api/assistants`)).json();
  const shop = await site(`<script src="${server.url}/widget.js" data-assistant="${assistants[0].id}"></script>`);
  await page.goto(`${server.url}/assistants/${assistants[0].id}`);
  await page.getByRole('checkbox', { name: 'Visitors of my web site may talk to this assistant' }).check();
  const section = page.getByRole('region').or(page.locator('section')).filter({ hasText: 'On your web site' });
  await section.getByRole('textbox', { name: 'Web sites' }).fill(shop.url);
  await section.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Put this line into your pages:').waitFor();
  await expectAccessible(page);
  await capture(page, 'widget-settings');
  await page.context().close();

  const visitor = await (
    await browser.newContext({ locale: 'en-US', viewport: { width: 900, height: 720 } })
  ).newPage();
  await visitor.goto(shop.url);
  await visitor.getByRole('button', { name: 'Ask us' }).click();
  const widget = visitor.frameLocator('iframe');
  await widget.getByRole('heading', { level: 1, name: 'Lanterna shop' }).waitFor();
  await widget.getByRole('button', { name: 'How long is the warranty?' }).click();
  await widget.getByText('All lamps have a warranty of three years.').waitFor({ timeout: 60_000 });
  await capture(visitor, 'widget');
  expect(await visitor.context().cookies()).toEqual([]);
  await widget.getByRole('textbox', { name: 'Your question' }).press('Escape');
  await visitor.locator('iframe').waitFor({ state: 'hidden' });

  const stranger = await site(`<iframe src="${server.url}/widget/${assistants[0].id}"></iframe>`);
  const refused: string[] = [];
  visitor.on('console', (message) => refused.push(message.text()));
  await visitor.goto(stranger.url);
  await expect.poll(() => refused.join()).toContain('frame-ancestors');
  await visitor.context().close();
  shop.close();
  stranger.close();
});

/** Somebody else's web site. */
async function site(body: string): Promise<{ url: string; close: () => void }> {
  const listener = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><title>Shop</title><body><h1>Shop</h1>${body}</body></html>`);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => listener.close() };
}

test('a filter refuses a question, the person objects, the administrator rules', async () => {
  const { page, complaints } = await openPage(browser, `${server.url}`);
  await page.goto(`${server.url}/administration/safety`);
  await button(page, 'Add a list').click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).last().fill('fruit');
  await page.getByRole('textbox', { name: 'Words', exact: true }).last().fill('forbidden fruit\n禁果');
  const last = page.getByRole('group', { name: 'fruit' });
  await last.getByRole('combobox', { name: 'In a question' }).selectOption('refuse');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await expectAccessible(page);
  await capture(page, 'safety-settings');

  await page.goto(server.url);
  await page.locator('#composer').fill('How does FORBIDDEN fruit taste?');
  await page.locator('#composer').press('Enter');
  await page.getByText('A filter did not let this through.').waitFor();
  await capture(page, 'safety-refused');
  await button(page, 'Your account').click();
  await page.getByRole('menuitem', { name: 'Filter decisions' }).click();
  // The model's answers to the other tests are sampled, and a filter may have noted one of them as well.
  const refusal = page.getByRole('listitem').filter({ hasText: 'Ended or not let through: the word list “fruit”.' });
  await refusal.getByRole('button', { name: 'Object' }).click();
  await page.getByRole('textbox', { name: 'Why was it wrong?' }).fill('It is from a poem.');
  await expectAccessible(page);
  await button(page, 'Send to the administrators').click();
  await page.getByText('An administrator has not looked at it yet.').waitFor();
  await capture(page, 'safety-decisions');

  await page.goto(`${server.url}/administration/safety`);
  await page.getByText('It is from a poem.').waitFor();
  await page.getByRole('textbox', { name: 'Answer to the person (optional)' }).fill('Right, sorry.');
  await button(page, 'It was wrong').click();
  await page.getByText('The decision was wrong.').waitFor();
  await capture(page, 'safety-reviews');
  // The browser itself logs the refusal.
  expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([]);
  await page.context().close();
});
