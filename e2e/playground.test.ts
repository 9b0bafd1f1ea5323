/** The playground, journeyed through in a real browser; what it gives to copy is run as it is. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, expectAccessible, launchBrowser, openPage } from './browser.ts';
import { type ParleyServer, startParley } from './parley-server.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

let browser: Browser;
let server: ParleyServer;

beforeAll(async () => {
  browser = await launchBrowser();
  // Slow enough to be stopped before its end.
  server = await startParley({ modelFolder: writeTinyModel({ context: 6144, idleLayers: 46 }) });
});
afterAll(async () => {
  await server?.close();
  await browser?.close();
});

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });
const result = (page: Page) => page.getByRole('region', { name: /^(Result|结果)$/ });
const tokensOf = (page: Page) => result(page).getByRole('option');
const finished = (page: Page) => result(page).and(page.locator('[aria-busy=false]')).waitFor();

async function showCode(page: Page, program: 'curl' | 'typescript'): Promise<string> {
  await button(page, 'Copy as code').click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('combobox', { name: 'Language' }).selectOption(program);
  const code = await drawer.locator('pre').textContent();
  await expectAccessible(page);
  await capture(page, `playground-code-${program}`);
  await drawer.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  return code!;
}

test('ask, read the tokens by keyboard, and run the same request as code', async () => {
  const { page, complaints } = await openPage(browser, server.url);
  await button(page, 'Your account').click();
  await page.getByRole('menuitem', { name: 'Playground' }).click();
  await page.getByRole('heading', { level: 1, name: 'Playground' }).waitFor();
  await expectAccessible(page);

  await page.getByRole('textbox', { name: 'System prompt' }).fill('Be \'brief\' and "clear".');
  await page.getByRole('spinbutton', { name: 'Temperature' }).fill('0');
  await page.getByRole('spinbutton', { name: 'Longest answer, in tokens' }).fill('24');
  await page.getByRole('textbox', { name: 'Message 1' }).fill("It's 你好\nin two lines");
  await page.getByRole('textbox', { name: 'Message 1' }).press('Control+Enter');
  await finished(page);
  await expect.poll(() => result(page).textContent()).toContain('reached its longest length');

  const tokens = tokensOf(page);
  expect(await tokens.count()).toBe(24);
  await tokens.first().focus();
  await tokens.first().press('End');
  await expect.poll(() => tokens.last().getAttribute('aria-selected')).toBe('true');
  await tokens.last().press('ArrowLeft');
  await expect.poll(() => tokens.nth(22).getAttribute('aria-selected')).toBe('true');
  expect(await tokens.nth(22).getAttribute('aria-label')).toMatch(/, probability .*%$/);
  expect(await result(page).getByRole('row').count()).toBeGreaterThanOrEqual(9);
  await expectAccessible(page);
  await capture(page, 'playground-tokens');

  await page.getByRole('checkbox', { name: 'Show tokens' }).uncheck();
  const shown = (await result(page).locator('p').first().textContent())!;
  expect(shown).not.toBe('');
  const { stdout: json } = await run('bash', ['-c', await showCode(page, 'curl')], { maxBuffer: 1e7 });
  expect(JSON.parse(json).choices[0].message.content).toBe(shown);
  const program = await showCode(page, 'typescript');
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: root });
  expect(stdout).toBe(shown);

  await button(page, 'Add to the conversation').click();
  await page.getByRole('textbox', { name: 'Message 3' }).waitFor();
  expect(await page.getByRole('textbox', { name: 'Message 2' }).inputValue()).toBe(shown);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('score a text and go on from it, on a phone, in Chinese, in the dark; stop what takes too long', async () => {
  const phone = {
    viewport: { width: 390, height: 844 },
    locale: 'zh-CN',
    colorScheme: 'dark' as const,
    hasTouch: true,
  };
  const { page, complaints } = await openPage(browser, server.url, phone);
  await page.goto(`${server.url}/playground`);
  await page.getByRole('combobox', { name: '请求类型' }).selectOption('completion');
  await page.getByRole('checkbox', { name: '同时给原文的词元打分' }).check();
  await button(page, '参数').click();
  await page.getByRole('spinbutton', { name: '最长回答（词元）' }).fill('6');
  await page.getByRole('spinbutton', { name: '温度' }).fill('0');
  await expectAccessible(page);
  await capture(page, 'playground-parameters-phone-zh-dark');
  await page.getByRole('dialog').press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  const prompt = page.getByRole('textbox', { name: '要续写的文本' });
  await prompt.fill('今天天气很好，');
  await button(page, '运行').click();
  await finished(page);
  expect(await tokensOf(page).first().getAttribute('aria-label')).toContain('第一个词元');
  await tokensOf(page).nth(1).tap();
  await expect.poll(() => tokensOf(page).nth(1).getAttribute('aria-selected')).toBe('true');
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  await expectAccessible(page);
  await capture(page, 'playground-completion-phone-zh-dark');
  await button(page, '从这里继续').click();
  expect((await prompt.inputValue()).startsWith('今天天气很好，')).toBe(true);
  expect((await prompt.inputValue()).length).toBeGreaterThan(7);

  await button(page, '参数').click();
  await page.getByRole('spinbutton', { name: '最长回答（词元）' }).fill('6000');
  await page.getByRole('dialog').press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await button(page, '运行').click();
  await expect.poll(() => tokensOf(page).count()).toBeGreaterThan(20);
  await button(page, '停止').click();
  await finished(page);
  await expect.poll(() => result(page).textContent()).toContain('已被你停止');
  // The model has stopped as well.
  const active = async () =>
    /^parley_active_slots (\d+)/m.exec(await (await fetch(`${server.url}/metrics`)).text())![1];
  await expect.poll(active).toBe('0');
  expect(complaints).toEqual([]);
  await page.context().close();
});
