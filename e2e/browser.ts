/** Chromium for the journeys: the system's, or the one that CHROMIUM names. */
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface OpenPage {
  page: Page;
  /** What the browser complained of: uncaught errors, console errors, violations of the page's security policy. */
  complaints: string[];
}

export const journeysPassword = 'a password for journeys';

/** Gives the browser an account, or signs it in to the one that it had; the first account is the administrator's. */
export async function signIn(context: BrowserContext, url: string, name = 'Ada'): Promise<void> {
  const account = { name, email: `${name.toLowerCase()}@example.org`, password: journeysPassword };
  const registered = await context.request.post(`${url}/api/accounts`, { data: account });
  const entered = registered.ok() ? registered : await context.request.post(`${url}/api/session`, { data: account });
  expect(entered.ok(), await entered.text()).toBe(true);
}

/** Opens the page for somebody who is signed in. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options });
  await signIn(context, new URL(url).origin);
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(url);
  return { page, complaints };
}

/** Collects what the browser complains of from now on. */
export function listen(page: Page): string[] {
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}

/** Keeps the requests to these addresses from the server until the function that it returns lets them pass. */
export async function holdBack(page: Page, addresses: string): Promise<() => void> {
  let letPass = () => {};
  const held = new Promise<void>((resolve) => {
    letPass = resolve;
  });
  await page.route(addresses, async (route) => {
    await held;
    await route.continue();
  });
  return letPass;
}

/** Keeps what the page looks like, in e2e/screenshots/, for people to look at. */
export async function capture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(import.meta.dirname, 'screenshots', `${name}.png`), animations: 'disabled' });
}

/** Until nothing moves any more but what moves for ever. */
async function animationsEnded(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { document } = globalThis as unknown as { document: { getAnimations(): PlayingAnimation[] } };
    const ending = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}

interface PlayingAnimation {
  effect: { getTiming(): { iterations: number } } | null;
  finished: Promise<unknown>;
}

/** No serious or critical violation of the accessibility rules, in what the page shows right now. */
export async function expectAccessible(page: Page): Promise<void> {
  // Half-faded text has half the contrast.
  await animationsEnded(page);
  // As a string it is evaluated by the devtools, which the page's policy against eval does not bind.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const page = globalThis as unknown as { axe: typeof axe };
    return (await page.axe.run()).violations;
  });
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  expect(told.join('\n\n'), 'accessibility').toBe('');
}
