/** The text of a file, found by what its bytes say that it is. Runs in a process of its own: see read-file.ts. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import type { FileProblem } from '@parley/contracts';

/** A file that gives no text, and why. */
export class UnreadableError extends Error {
  override name = 'UnreadableError';
  readonly problem: FileProblem;
  constructor(problem: FileProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

/** Of all that is packed in one file. A Word document of a thousand pages has a fifth of it. */
const largestUnpackedBytes = 50_000_000;

/** @throws UnreadableError */
export async function textOf(bytes: Buffer): Promise<string> {
  const text = startsWith(bytes, '%PDF-')
    ? await pdfText(bytes)
    : startsWith(bytes, 'PK\x03\x04')
      ? await docxText(bytes)
      : plainText(bytes);
  const tidy = text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/\n{4,}/g, '\n\n\n')
    .trim();
  if (!/[\p{L}\p{N}]/u.test(tidy)) throw new UnreadableError('no_text');
  return tidy;
}

/** PDF allows a few bytes before its mark. */
function startsWith(bytes: Buffer, mark: string): boolean {
  return bytes.subarray(0, mark === '%PDF-' ? 1024 : mark.length).includes(mark, 0, 'latin1');
}

const pdfLibrary = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));

async function pdfText(bytes: Buffer): Promise<string> {
  // The libraries are large: each is loaded for its own files only.
  const { getDocument, VerbosityLevel } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  const loading = getDocument({
    data: new Uint8Array(bytes),
    // What Chinese, Japanese and Korean fonts that are not embedded mean by their codes.
    cMapUrl: join(pdfLibrary, 'cmaps/'),
    standardFontDataUrl: join(pdfLibrary, 'standard_fonts/'),
    isEvalSupported: false,
    verbosity: VerbosityLevel.ERRORS,
  });
  try {
    const pdf = await loading.promise;
    const pages: string[] = [];
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      pages.push(items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join(''));
      page.cleanup();
    }
    return pages.join('\n\n');
  } catch (cause) {
    throw new UnreadableError((cause as Error).name === 'PasswordException' ? 'encrypted' : 'damaged', cause);
  }
}

async function docxText(bytes: Buffer): Promise<string> {
  const names = unpackedNames(bytes);
  if (!names.includes('word/document.xml')) throw new UnreadableError('unknown_kind');
  const { default: mammoth } = await import('mammoth');
  try {
    return (await mammoth.extractRawText({ buffer: bytes })).value;
  } catch (cause) {
    throw new UnreadableError('damaged', cause);
  }
}

const entryHeader = 0x02014b50;
const endRecord = 0x06054b50;
const endRecordBytes = 22;
const longestComment = 0xffff;
const deflated = 8;

/**
 * Unpacks a ZIP (APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16) within the limit, and lets go what it gets: a bomb is
 * found before the library that reads the document unpacks it without a limit.
 * @returns the names of what is packed
 */
function unpackedNames(bytes: Buffer): string[] {
  const names: string[] = [];
  let budget = largestUnpackedBytes;
  try {
    const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
    if (end < bytes.length - endRecordBytes - longestComment || bytes.readUInt32LE(end) !== endRecord) {
      throw new UnreadableError('damaged');
    }
    const entries = bytes.readUInt16LE(end + 10);
    let header = bytes.readUInt32LE(end + 16);
    for (let entry = 0; entry < entries; entry++) {
      if (bytes.readUInt32LE(header) !== entryHeader) throw new UnreadableError('damaged');
      const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => bytes.readUInt16LE(header + offset));
      names.push(bytes.toString('utf8', header + 46, header + 46 + nameBytes!));
      const local = bytes.readUInt32LE(header + 42);
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const packed = bytes.subarray(start, start + bytes.readUInt32LE(header + 20));
      const unpacked =
        bytes.readUInt16LE(header + 10) === deflated
          ? inflateRawSync(packed, { maxOutputLength: budget + 1 }).length
          : packed.length;
      budget -= unpacked;
      if (budget < 0) throw new UnreadableError('too_large');
      header += 46 + nameBytes! + extraBytes! + commentBytes!;
    }
    return names;
  } catch (cause) {
    if (cause instanceof UnreadableError) throw cause;
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new UnreadableError(tooLarge ? 'too_large' : 'damaged', cause);
  }
}

/** A byte order mark decides; then UTF-8 if it is valid, as no other text is by chance; then GB18030. */
function plainText(bytes: Buffer): string {
  for (const encoding of [...markedEncoding(bytes), 'utf-8', 'gb18030']) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      // Control characters that no text has: a picture, a program, an archive.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) throw new UnreadableError('unknown_kind');
      return text;
    } catch (error) {
      if (error instanceof UnreadableError) throw error;
    }
  }
  throw new UnreadableError('unknown_kind');
}

function markedEncoding(bytes: Buffer): string[] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return ['utf-16le'];
  return bytes[0] === 0xfe && bytes[1] === 0xff ? ['utf-16be'] : [];
}
