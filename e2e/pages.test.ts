/**
 * Every page, in English and light on a wide screen and in Chinese and dark on a phone, with EVERY_LOOK=1 in all eight
 * looks: accessible, in one language, within its width, and usable by keyboard. The screenshots that it leaves are for
 * people to look at.
 */
import { writeTinyModel } from '@parley/server/testing';
import { en } from '@parley/web/en';
import { zh } from '@parley/web/zh';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { capture, expectAccessible, launchBrowser, listen, openPage, signIn } from './browser.ts';
import { type FilledHome, fillHome, openAdasAccount } from './filled-home/index.ts';
import { handbook } from './filled-home/texts.ts';
import {
  expectOrderly,
  expectReachableByTab,
  expectTargetsForFingers,
  expectTranslated,
  type PageLanguage,
  preparePageChecks,
} from './page-checks.ts';
import { type ParleyServer, startParley } from './parley-server.ts';
import { otherVisits, type Places, type Visit, visits } from './visits.ts';

let browser: Browser;
let server: ParleyServer;
let places: Places;

beforeAll(async () => {
  const modelFolder = writeTinyModel({ name: 'parley-tiny' });
  const filled = await fillHome(modelFolder, 'parley-tiny');
  server = await startParley({ modelFolder, home: filled.home });
  browser = await launchBrowser();
  places = await addByRoutes(filled);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** What is easier asked of the server than written into its database: an index of words, an answer. */
async function addByRoutes(filled: FilledHome): Promise<Places> {
  await openAdasAccount(server.url);
  const context = await browser.newContext();
  const call = async (method: string, path: string, data: object = {}) => {
    const response = await context.request.fetch(`${server.url}/api${path}`, {
      method,
      ...(method !== 'GET' && { data }),
    });
    expect(response.ok(), `${path}: ${await response.text()}`).toBe(true);
    return response;
  };
  await signIn(context, server.url);
  const questions = ['How long is the warranty?', '保修多久？'];
  const about = { name: 'Lanterna shop', instructions: 'You answer for a shop that sells lamps.' };
  const made = await call('POST', '/assistants', { ...about, exampleQuestions: questions, visibility: 'installation' });
  const { id: assistant } = await made.json();
  await call('POST', '/assistants', { name: '写诗助手', instructions: '用五言绝句回答。' });
  await call('POST', `/assistants/${assistant}/documents`, { name: 'handbook.md', text: handbook });
  await call('PUT', `/assistants/${assistant}/widget`, { enabled: true, origins: ['https://shop.example.org'] });
  await vi.waitFor(async () => {
    const { documents } = await (await call('GET', `/assistants/${assistant}/documents`)).json();
    expect(documents[0].state).toBe('ready');
  }, 30_000);
  const { id: cited } = await (await call('POST', `/assistants/${assistant}/conversations`)).json();
  await call('POST', `/conversations/${cited}/messages`, {
    content: questions[0],
    sampling: { maxTokens: 40, seed: 1 },
  });
  const { messages } = await (await call('GET', `/conversations/${filled.rich}/messages`)).json();
  const leafId = messages.at(-1).id;
  const { token: share } = await (await call('POST', `/conversations/${filled.rich}/shares`, { leafId })).json();
  await context.close();
  return { ...filled, assistant, cited, share };
}

const dictionaries = { en, zh };
const locales = { en: 'en-US', zh: 'zh-CN' };
const wide: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
/** Two looks that hold each theme, width and language once; the other six on request, for they take another eight minutes. */
const everyLook = process.env.EVERY_LOOK === '1';
/** While one page is examined, which takes one core, the next one loads and draws. */
const pagesAtOnce = 2;
/** Taller pages are looked at as far as this, in pixels. */
const tallest = 4_000;

test('every page of the router has its visit', async () => {
  const { page } = await openPage(browser, server.url);
  await page.locator('#composer').waitFor();
  const paths = (await page.evaluate('Object.values(__TSR_ROUTER__.routesById).map(({ id }) => id)')) as string[];
  expect(Object.keys(visits).sort()).toEqual(paths.filter((path) => path !== '__root__').sort());
  await page.context().close();
});

const looks: [PageLanguage, string, BrowserContextOptions][] = [
  ['en', 'wide', wide],
  ['zh', 'phone', phone],
];
const otherLooks: typeof looks = [
  ['en', 'phone', phone],
  ['zh', 'wide', wide],
];

describe.each(everyLook ? [...looks, ...otherLooks] : looks)('in %s, %s', (language, width, options) => {
  const all = [...Object.values(visits).flat(), ...otherVisits];

  test.each([
    ['signed in', all.filter(({ stranger }) => !stranger)],
    ['without an account', all.filter(({ stranger }) => stranger)],
  ])('%s', { timeout: 1_800_000 }, async (_, visited) => {
    const context = await browser.newContext({ ...options, locale: locales[language], reducedMotion: 'reduce' });
    await preparePageChecks(context);
    if (!visited[0]!.stranger) await signIn(context, server.url);
    const failures: string[] = [];
    const ahead = visited.values();
    const visitOneAfterAnother = async () => {
      for (const visit of ahead) {
        // All that is wrong anywhere, not only the first.
        const check = (checked: Promise<void>) =>
          checked.catch((error: Error) => void failures.push(`${visit.name}: ${error.message}`));
        await check(checkVisit(context, visit, { language, width, check }));
      }
    };
    await Promise.all(Array.from({ length: pagesAtOnce }, visitOneAfterAnother));
    await context.close();
    expect(failures.join('\n')).toBe('');
  });
});

interface Circumstances {
  language: PageLanguage;
  width: string;
  /** Notes a failure and lets the visit go on. */
  check: (checked: Promise<void>) => Promise<void>;
}

async function checkVisit(context: BrowserContext, visit: Visit, circumstances: Circumstances): Promise<void> {
  const { language, width, check } = circumstances;
  const page = await context.newPage();
  try {
    const complaints = listen(page);
    const settled = watchRequests(page);
    page.setDefaultTimeout(15_000);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(server.url + visit.path(places));
    await page.locator('h1').first().waitFor({ state: 'attached' });
    if (visit.shows) await page.getByText(visit.shows).first().waitFor({ state: 'attached' });
    await visit.open?.(page, dictionaries[language]);
    await settled();

    await check(expectOrderly(page, language, visit.outside ? /./ : undefined));
    await check(expectTranslated(page, language));
    if (width === 'phone') await check(expectTargetsForFingers(page));
    const { width: pixels, height } = page.viewportSize()!;
    const whole = (await page.evaluate('pageFacts.wholeHeight()')) as number;
    await page.setViewportSize({ width: pixels, height: Math.min(tallest, Math.max(height, whole)) });
    const examined = language === 'en' ? 'light' : 'dark';
    for (const colorScheme of everyLook ? (['light', 'dark'] as const) : ([examined] as const)) {
      await page.emulateMedia({ colorScheme });
      await settled();
      if (colorScheme === examined) await check(expectAccessible(page));
      await capture(page, `pages/${visit.name}-${width}-${language}-${colorScheme}`);
    }
    if (width === 'wide' && language === 'en') await check(expectReachableByTab(page));
    // The browser itself tells of a 404 that was asked for.
    expect(complaints.filter((complaint) => !complaint.includes('404'))).toEqual([]);
  } finally {
    await page.close();
  }
}

/** Gives a function that waits until nothing is on its way and what arrived is drawn. Streams never end. */
function watchRequests(page: Page): () => Promise<void> {
  const pending = new Set<object>();
  page.on('request', (request) => {
    if (!/\/(events|stream)(\?|$)/.test(request.url())) pending.add(request);
  });
  page.on('requestfinished', (request) => pending.delete(request));
  page.on('requestfailed', (request) => pending.delete(request));
  const twoFrames = 'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))';
  return async () => {
    await expect
      .poll(
        async () => {
          await page.evaluate(twoFrames);
          return pending.size;
        },
        { timeout: 20_000 },
      )
      .toBe(0);
    await page.evaluate('document.fonts.ready.then(() => undefined)');
    await page.evaluate(twoFrames);
  };
}
