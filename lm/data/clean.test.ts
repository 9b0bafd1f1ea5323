import { describe, expect, it } from 'vitest';
import { detectLanguage, normaliseText, rejectReason } from './clean.ts';
import { scrubMail } from './sources/english.ts';
import { detokenise, stripMarkdown, stripXhtml, untag } from './sources/markup.ts';

describe('normaliseText', () => {
  it('composes, drops what cannot be seen and closes up empty lines', () => {
    expect(normaliseText('\ufeffe\u0301te\u0301\r\n\r\n\r\n\r\nzero\u200bwidth\u0007 \t\n\u00a0x\u2003y')).toBe(
      'été\n\nzerowidth\n x y',
    );
  });

  it('changes nothing the second time', () => {
    const text = normaliseText('a \r\n\n\n\n你好\u200b  \n\tb');
    expect(normaliseText(text)).toBe(text);
  });
});

it('tells Chinese from English by the script, mixed text too', () => {
  expect(detectLanguage('The quick brown fox jumps over the lazy dog.')).toBe('en');
  expect(detectLanguage('今天天气很好，我们去公园吧。')).toBe('zh');
  expect(detectLanguage('使用 JavaScript 编写程序的时候，需要注意变量的作用域。')).toBe('zh');
  expect(detectLanguage('The word 你好 means hello in the Chinese language.')).toBe('en');
});

describe('rejectReason', () => {
  it('lets prose and code pass', () => {
    expect(rejectReason('It was a bright cold day in April, and the clocks were striking.', 'en')).toBeNull();
    expect(rejectReason('床前明月光，疑是地上霜。', 'zh')).toBeNull();
    expect(rejectReason('for (let i = 0; i < 10; i++) { a[i] = b[i] ^ c[i]; }', 'code')).toBeNull();
  });

  it('names what is wrong with the rest', () => {
    expect(rejectReason('Hi.', 'en')).toBe('too short');
    expect(rejectReason('1 2 3 4 5 6 7 8 9 10 11 12 13 14 | | | |', 'en')).toBe('few letters');
    expect(rejectReason('锟斤拷锟斤拷锟斤拷一二三四五六七八', 'zh')).toBe('mojibake');
    expect(rejectReason(`data ${'QUJD'.repeat(40)} end of it`, 'en')).toBe('endless word');
    expect(rejectReason('menu item\n'.repeat(9), 'en')).toBe('repeated lines');
  });
});

describe('markup', () => {
  it('joins what a tokeniser took apart', () => {
    expect(detokenise("He said , `` I do n't know . ''")).toBe("He said, “I don't know.”");
    expect(detokenise('a 60 @-@ centimetre fish weighs 1 @,@ 000 g ( or so )')).toBe(
      'a 60-centimetre fish weighs 1,000 g (or so)',
    );
  });

  it('reads the tagged Brown corpus', () => {
    expect(untag("The/at jury/nn said/vbd ,/, ``/`` No/rb evidence/nn ''/'' ./.\n\n\nNext/ap ./.")).toBe(
      'The jury said, “No evidence”.\n\nNext.',
    );
  });

  it('keeps the words of Markdown and XHTML', () => {
    expect(stripMarkdown('---\ntitle: x\n---\n# Tea\n![pot](p.png)Use **hot** [water](http://x).').trim()).toBe(
      '# Tea\nUse hot water.',
    );
    expect(
      stripXhtml(
        '<html><head><title>T</title></head><body><p>One &amp; two<a epub:type="noteref" href="#n">1</a>.</p><p>Three.</p></body></html>',
      ).trim(),
    ).toBe('One & two.\n\nThree.');
  });

  it('takes headers, quotations, addresses and names out of a mail', () => {
    const mail = `From: Ann <ann@example.org>\nSubject: tea\n\nOn Monday Bob <bob@example.org> wrote:\n> is tea better than coffee\n\n${'Tea is better in the morning and in the evening. '.repeat(4)}\nMail me at ann@example.org or 555-123-4567.\n\nAnn Smith\n-- \nsignature`;
    const body = scrubMail(mail)!;
    expect(body).toContain('Tea is better');
    expect(body).not.toMatch(/Ann|Bob|example|555|signature|coffee/);
  });
});
