/** Hostile and ordinary Markdown, rendered to static markup: what reaches the page. */
import i18next from 'i18next';
import { Tooltip } from 'radix-ui';
import { renderToStaticMarkup } from 'react-dom/server';
import { initReactI18next } from 'react-i18next';
import { expect, test } from 'vitest';
import { en } from '../i18n/en.ts';
import Markdown from './markdown-text.tsx';

await i18next.use(initReactI18next).init({ lng: 'en', resources: { en: { translation: en } } });

const render = (text: string, headingLevel?: 2 | 3 | 4) =>
  renderToStaticMarkup(
    <Tooltip.Provider>
      <Markdown text={text} headingLevel={headingLevel} />
    </Tooltip.Provider>,
  );

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:msgbox(1))',
  '<javascript:alert(1)>',
  '[x]: javascript:alert(1)\n\n[x]',
  '![x](https://evil.example/pixel.png)',
  '![x](https://evil.example/" onerror="alert(1))',
  '![a][r]\n\n[r]: https://evil.example/pixel.png',
  '```html\n<script>alert(1)</script>\n```',
  '`<b onmouseover=alert(1)>`',
  '<style>body{display:none}</style>',
  '<form action="https://evil.example"><input></form>',
  '| <img src=x onerror=alert(1)> |\n|---|\n| [a](javascript:1) |',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
];

test.each(hostile)('%s does nothing', (text) => {
  // Every prefix too: an answer is rendered while it streams.
  for (let end = 1; end <= text.length; end++) {
    const html = render(text.slice(0, end));
    const tags = [...html.matchAll(/<([a-z0-9]+)([^>]*)>/g)];
    for (const [, tag, attributes] of tags) {
      expect(tag).not.toMatch(/^(script|img|iframe|style|form|math|object|embed|link|meta|base|video|audio|source)$/);
      expect(attributes).not.toMatch(/\son\w+=|srcdoc|javascript:|vbscript:|data:|style=/i);
      if (tag === 'svg') expect(attributes).toContain('aria-hidden');
    }
  }
});

test('links open apart and tell nothing about where they came from', () => {
  expect(render('see [docs](https://example.org/a?b=c)')).toContain(
    '<a href="https://example.org/a?b=c" target="_blank" rel="noopener noreferrer nofollow">docs</a>',
  );
});

test('tables, task lists and strike-through of GitHub work; a Chinese range is not struck through', () => {
  expect(render('| a | b |\n|---|--:|\n| 1 | 2 |')).toMatch(/<table>.*<th>a<\/th>.*<td[^>]*>2<\/td>/s);
  expect(render('- [x] done\n- [ ] open')).toMatch(/☑.*done.*☐.*open/s);
  expect(render('~~old~~')).toContain('<del>old</del>');
  expect(render('需要3~5天或6~8天')).toContain('需要3~5天或6~8天');
});

test('code keeps its text and names its language', () => {
  const html = render('```python\nif a < b:\n    print("x")\n```');
  expect(html).toContain('python</span>');
  expect(html).toContain('if a &lt; b:\n    print(&quot;x&quot;)');
});

test('headings begin below the page’s own and keep their looks', () => {
  const levels = (html: string) =>
    [...html.matchAll(/<h(\d) class="rank-(\d)"/g)].map(([, level, rank]) => level! + rank!);
  expect(levels(render('# one\n\n## two\n\n###### six'))).toEqual(['31', '42', '66']);
  expect(levels(render('# one\n\n## two', 2))).toEqual(['21', '32']);
});

test('Chinese text says so to fonts and screen readers', () => {
  expect(render('床前明月光')).toContain('lang="zh-CN"');
  expect(render('Hello')).not.toContain('lang="zh-CN"');
});

test('the pieces render like the whole', () => {
  const parts = ['# Title', 'A paragraph\nwith two lines.', '- a\n- b', '> quote', '```\ncode\n\nmore\n```', 'End.'];
  const whole = render(parts.join('\n\n'));
  const pieces = parts.map((part) => render(part).replace(/^<div[^>]*>|<\/div>$/g, '')).join('');
  const bare = (html: string) => html.replace(/^<div[^>]*>|<\/div>$/g, '').replace(/\n/g, '');
  expect(bare(whole)).toBe(pieces.replace(/\n/g, ''));
});
