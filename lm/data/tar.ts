/**
 * Reading `.tar.gz` archives as a stream: packages are data here, so their files are read straight from the
 * archive that the registry signed and never laid out on disk (one corpus alone has 12,000 files).
 *
 * Layout (POSIX ustar): 512-byte header blocks, then the content padded to 512. The header holds the name at
 * 0 (100 bytes), size in octal at 124 (12), type at 156, name prefix at 345 (155). Types 'x' (pax) and 'L' (GNU)
 * carry the long name of the next entry as content.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

export interface ArchiveFile {
  /** Path inside the archive without the leading `package/`. */
  name: string;
  bytes: Buffer;
}

const BLOCK = 512;

/**
 * Yields the regular files of a `.tgz` whose name `wanted` accepts, in archive order. Skipped files are not
 * held in memory. Throws an error that names the archive if it is truncated or not gzip.
 */
export async function* readArchive(path: string, wanted: (name: string) => boolean): AsyncGenerator<ArchiveFile> {
  const stream = createReadStream(path, { highWaterMark: 1 << 18 }).pipe(createGunzip({ chunkSize: 1 << 18 }));
  const input = new ByteQueue(stream);
  let longName = '';
  try {
    for (;;) {
      const header = await input.take(BLOCK);
      if (header === null || header.every((byte) => byte === 0)) return;
      const size = parseSize(header);
      const padded = Math.ceil(size / BLOCK) * BLOCK;
      const type = String.fromCharCode(header[156]!);
      if (type === 'x' || type === 'L') {
        const content = (await input.require(padded)).subarray(0, size).toString('utf8');
        longName = type === 'L' ? content.replace(/\0+$/, '') : (/\d+ path=(.*)\n/.exec(content)?.[1] ?? '');
        continue;
      }
      const name = (longName || headerName(header)).replace(/^(\.\/)?[^/]+\//, '');
      longName = '';
      const isFile = type === '0' || type === '\0';
      if (isFile && wanted(name)) {
        const bytes = Buffer.from((await input.require(padded)).subarray(0, size));
        yield { name, bytes };
      } else {
        await input.skip(padded);
      }
    }
  } catch (error) {
    throw new Error(`cannot read the archive ${path}: ${(error as Error).message}; delete it and fetch again`);
  } finally {
    stream.destroy();
  }
}

function headerName(header: Buffer): string {
  const field = (start: number, length: number) => header.toString('utf8', start, start + length).replace(/\0.*$/s, '');
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? field(345, 155) : '';
  return prefix ? `${prefix}/${field(0, 100)}` : field(0, 100);
}

function parseSize(header: Buffer): number {
  const text = header
    .toString('latin1', 124, 136)
    .replace(/[\0 ].*$/s, '')
    .trim();
  const size = Number.parseInt(text || '0', 8);
  if (!/^[0-7]*$/.test(text) || !Number.isSafeInteger(size))
    throw new Error(`bad size field '${text}' in a tar header`);
  return size;
}

/** Exact-length reads over a stream of chunks. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, or null at a clean end. */
  async take(count: number): Promise<Buffer | null> {
    if (this.#rest.length < count) {
      const parts = [this.#rest];
      let have = this.#rest.length;
      while (have < count) {
        const { value, done } = await this.#chunks.next();
        if (done) {
          if (have === 0) return null;
          throw new Error(`it ends ${count - have} bytes early`);
        }
        parts.push(value);
        have += value.length;
      }
      this.#rest = Buffer.concat(parts);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  async require(count: number): Promise<Buffer> {
    const taken = count === 0 ? Buffer.alloc(0) : await this.take(count);
    if (taken === null) throw new Error(`it ends ${count} bytes early`);
    return taken;
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const step = Math.min(left, this.#rest.length || BLOCK);
      await this.require(step);
      left -= step;
    }
  }
}
