/** What files are, and what is in them, whatever their names say. */
import { describe, expect, test } from 'vitest';
import { docx, pdf, pdfByCodes, zip } from '../testing/sample-files.ts';
import { textOf } from './extract.ts';

describe('a file is read by what its bytes say', () => {
  const chinese = '今天天气很好，我们去公园散步吧。';
  test.each<[string, Buffer, string]>([
    ['UTF-8', Buffer.from(`# Notes\r\n\r\n${chinese}  `), `# Notes\n\n${chinese}`],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${chinese}`), chinese],
    ['GB18030', Buffer.from('bdf1ccecccecc6f8d5e6bac3', 'hex'), '今天天气真好'],
    ['UTF-16', Buffer.from(`\ufeff${chinese}`, 'utf16le'), chinese],
    ['UTF-16 the other way round', Buffer.from(`\ufeff${chinese}`, 'utf16le').swap16(), chinese],
    ['Word', docx('Dear Sir', chinese), `Dear Sir\n\n${chinese}`],
    ['PDF', pdf('Hello from a page'), 'Hello from a page'],
    ['PDF by UCS-2', pdfByCodes(Buffer.from(chinese, 'utf16le').swap16(), 'UniGB-UCS2-H', 'GB1'), chinese],
    ['PDF by GBK', pdfByCodes(Buffer.from('bdf1ccecccecc6f8d5e6bac3', 'hex'), 'GBK-EUC-H', 'GB1'), '今天天气真好'],
    ['PDF by Shift JIS', pdfByCodes(Buffer.from('93fa967b8cea', 'hex'), '90ms-RKSJ-H', 'Japan1'), '日本語'],
  ])('%s', async (_what, bytes, text) => {
    expect(await textOf(bytes)).toBe(text);
  });

  test.each<[string, Buffer, string]>([
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'unknown_kind'],
    ['an archive of something else', zip([{ name: 'a.txt', content: Buffer.from('a') }]), 'unknown_kind'],
    ['half a PDF', pdf('Hello').subarray(0, 60), 'damaged'],
    ['half a Word file', docx('Hello').subarray(0, 300), 'damaged'],
    ['a PDF without words', pdf(''), 'no_text'],
    ['spaces', Buffer.from('  \n \n'), 'no_text'],
    ['a Word file whose document is none', zip([{ name: 'word/document.xml', content: Buffer.from('<x') }]), 'damaged'],
  ])('%s fails and says why', async (_what, bytes, problem) => {
    await expect(textOf(bytes)).rejects.toMatchObject({ name: 'UnreadableError', problem });
  });

  test('a bomb is found before it is unpacked', async () => {
    const bomb = zip([{ name: 'word/document.xml', content: Buffer.alloc(51_000_000, ' ') }]);
    expect(bomb.length).toBeLessThan(100_000);
    await expect(textOf(bomb)).rejects.toMatchObject({ problem: 'too_large' });
  });

  test('a bomb that lies about its size is found as well', async () => {
    const bomb = zip([{ name: 'word/document.xml', content: Buffer.alloc(51_000_000, ' ') }]);
    for (const sizeAt of [22, bomb.length - 22 - (46 + 'word/document.xml'.length) + 24])
      bomb.writeUInt32LE(10, sizeAt);
    await expect(textOf(bomb)).rejects.toMatchObject({ problem: 'too_large' });
  });
});
