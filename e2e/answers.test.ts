/** What answers may hold, in a real browser: hostile text, formulas, hundreds of messages, files; and what the page weighs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type RunningServer, startServer } from '@parley/server';
import { echoWorker, writeTinyModel } from '@parley/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { capture, expectAccessible, launchBrowser, type OpenPage, openPage } from './browser.ts';

let browser: Browser;
let server: RunningServer;
let open: OpenPage;
let page: Page;

beforeAll(async () => {
  // The tests' own NODE_ENV would make a page for development.
  const env = { ...process.env, NODE_ENV: 'production' };
  execFileSync('npm', ['run', 'build:web'], { cwd: join(import.meta.dirname, '..'), stdio: 'ignore', env });
  browser = await launchBrowser();
  server = await startServer({
    port: 0,
    modelFolder: writeTinyModel(),
    home: mkdtempSync(join(tmpdir(), 'parley-answers-')),
    // Answers with the question: what the page has to show is written here.
    workerProgram: echoWorker,
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(async () => {
  open = await openPage(browser, server.url);
  page = open.page;
  await page.locator('#composer').waitFor();
});
afterEach(async () => {
  expect(open.complaints).toEqual([]);
  await page.context().close();
});

async function ask(text: string): Promise<void> {
  await page.locator('#composer').fill(text);
  await page.locator('#composer').press('Enter');
  await page.locator('.markdown').waitFor();
}

async function finished(): Promise<void> {
  await page.getByRole('button', { name: 'Answer again' }).first().waitFor({ timeout: 120_000 });
}

const hostile = [
  '<script>globalThis.ran = 1</script>',
  '<img src="https://evil.example/a.png" onerror="globalThis.ran = 1">',
  '<svg onload="globalThis.ran = 1"><image href="https://evil.example/b.png"/><script>globalThis.ran = 1</script></svg>',
  '<iframe srcdoc="<script>parent.ran = 1</script>" src="https://evil.example/c"></iframe>',
  '<math><mtext><table><mglyph><style><img src onerror=globalThis.ran=1></style></mglyph></table></mtext></math>',
  '<style>@import "https://evil.example/d.css"; body { background: url(https://evil.example/e.png) }</style>',
  '<link rel="stylesheet" href="https://evil.example/f.css"><base href="https://evil.example/">',
  '<form action="https://evil.example/g"><button autofocus onfocus="globalThis.ran = 1">x</button></form>',
  '![image](https://evil.example/h.png) ![data](data:image/svg+xml,<svg onload=globalThis.ran=1>)',
  '[a](javascript:globalThis.ran=1) [b](vbscript:x) [c](data:text/html,<script>x</script>) [d](\u0001javascript:x)',
  '[reference]\n\n[reference]: javascript:globalThis.ran=1 "title"',
  '<https://evil.example/i> and <javascript:globalThis.ran=1>',
  '| <img src=x onerror=globalThis.ran=1> | ![x](//evil.example/j.png) |\n|---|---|\n| `<b onclick=x>` | [x](javascript:x) |',
  '```html\n<script>globalThis.ran = 1</script>\n<img src=https://evil.example/k.png onerror=globalThis.ran=1>\n```',
  '```"><img src=x onerror=globalThis.ran=1>\nx\n```',
  '$\\href{javascript:globalThis.ran=1}{x}$ \\(\\url{javascript:globalThis.ran=1}\\)',
  '\\[\\includegraphics{https://evil.example/l.png}\\]',
  '\\[\\htmlStyle{background:url(https://evil.example/m.png)}{x} \\htmlData{onclick=globalThis.ran=1}{y}\\]',
  '$$\\def\\x{\\x\\x}\\x$$ and $\\rule{1000000em}{1000000em}$ and $\\text{<img src=x onerror=globalThis.ran=1>}$',
  '\u202eexe.gpj\u202c \u0000 \ud83d [x](https://evil.example/%00)',
];

test('nothing of a hostile answer runs or leaves the machine, at any moment while it streams', async () => {
  const strangers: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) strangers.push(request.url());
  });
  page.on('dialog', (dialog) => {
    strangers.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await ask(hostile.join('\n\n'));
  await finished();
  await page.locator('.katex').first().waitFor();
  expect(strangers).toEqual([]);
  expect(await page.evaluate('globalThis.ran')).toBeUndefined();
  const forbidden =
    '.markdown :is(script, iframe, img, image, link, base, form, style, object, embed, [onerror], [onload])';
  expect(await page.locator(forbidden).count()).toBe(0);
  const links = await page.locator('.markdown a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  for (const link of links) expect(link).toMatch(/^https:\/\//);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  await capture(page, 'hostile-answer');
});

test('formulas, tables and code are set, also on a phone in the dark', async () => {
  const text = [
    'The area is $\\pi r^2$, and \\(e^{i\\pi} + 1 = 0\\). It costs $5, not $6.',
    '\\[\n\\int_0^1 x^2 \\, dx = \\frac{1}{3}, \\qquad A = \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}\n\\]',
    '$$\n\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}\n$$',
    '| 项目 | Value |\n|---|--:|\n| 一 | $x_1$ |\n| 二 | 2 |',
    '```python\ndef add(a, b):\n    return a + b\n```',
    'Not yet a formula: $\\frac{1}{$',
  ].join('\n\n');
  await ask(text);
  await finished();
  await expect.poll(() => page.locator('.markdown .katex').count(), { timeout: 30_000 }).toBe(5);
  expect(await page.locator('.markdown').textContent()).toContain('It costs $5, not $6.');
  const mathematics = await page.locator('.katex-mathml math').first().textContent();
  expect(mathematics).toContain('π');
  await page.locator('.markdown table').waitFor();
  await page.locator('.hljs-keyword').first().waitFor();
  await expectAccessible(page);
  await capture(page, 'formulas');

  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark' } as const;
  const small = await openPage(browser, server.url, phone);
  await small.page.goto(page.url());
  await expect.poll(() => small.page.locator('.markdown .katex').count(), { timeout: 30_000 }).toBe(5);
  expect(await small.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  await expectAccessible(small.page);
  await capture(small.page, 'formulas-phone-dark');
  expect(small.complaints).toEqual([]);
  await small.page.context().close();
});

test('a file is added, shown while it is read, and asked about', async () => {
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Add files' }).click(),
  ]);
  await chooser.setFiles([
    { name: '笔记.md', mimeType: 'text/markdown', buffer: Buffer.from('# 会议\n\n明天三点开会。') },
    { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a0000000d', 'hex') },
  ]);
  const files = page.getByRole('list', { name: 'Files' });
  await files.getByText(/^Ready · /).waitFor({ timeout: 120_000 });
  await files.getByText('Not a text, PDF or Word file').waitFor({ timeout: 120_000 });
  await expectAccessible(page);
  await capture(page, 'files-ready');
  await page.getByRole('button', { name: 'Remove photo.png' }).click();
  await ask('When is the meeting?');
  await finished();
  // The model here repeats what it was given: the question as the server passes it on.
  await page.getByRole('article').first().getByText('笔记.md').waitFor();
  await page.reload();
  await page.getByRole('article').first().getByText('笔记.md').waitFor();
});

test('a conversation of 500 messages opens at its end, and its beginning can be reached', async () => {
  const messages = Array.from({ length: 500 }, (_, index) => ({
    id: String(index),
    parentId: index === 0 ? null : String(index - 1),
    role: index % 2 === 0 ? 'user' : 'assistant',
    content:
      index % 2 === 0
        ? `Question ${index} 问题`
        : `Answer ${index}\n\n- one\n- **two**\n\n\`\`\`js\nlet x = ${index};\n\`\`\``,
    createdAt: 1_700_000_000_000 + index,
    status: 'stop',
    model: 'echo',
  }));
  const times = { createdAt: 1_700_000_000_000, updatedAt: 1_700_000_000_500 };
  const data = {
    ...{ format: 'parley.conversations', version: 1, exportedAt: 0 },
    conversations: [{ title: 'Long 长对话', ...times, messages }],
  };
  const imported = await page.context().request.post(`${server.url}/api/import`, { data });
  const { conversations } = (await imported.json()) as { conversations: { id: string }[] };
  await page.goto(`${server.url}/chat/${conversations[0]!.id}`);
  await page.getByText('Answer 499').waitFor();
  const viewport = page.getByRole('region', { name: 'Conversation' }).locator('..');
  await expect
    .poll(() => viewport.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop))
    .toBeLessThan(40);
  await expect.poll(() => page.getByRole('article').count(), { timeout: 60_000 }).toBe(500);
  await viewport.hover();
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, -200_000);
      return viewport.evaluate((box) => box.scrollTop);
    })
    .toBe(0);
  expect(await page.getByText('Question 0 问题').isVisible()).toBe(true);
});

test('the first load is at most 300 kB of compressed scripts', async () => {
  const first = await page.context().newPage();
  const scripts: Promise<number>[] = [];
  first.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    scripts.push(response.body().then((body) => gzipSync(body).length));
  });
  await first.goto(server.url);
  await first.locator('#composer').waitFor();
  await first.waitForLoadState('networkidle');
  const bytes = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThanOrEqual(300_000);
});
