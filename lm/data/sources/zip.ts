/**
 * Reading `.zip` archives whole: a few corpora are published that way. Sizes and offsets come from the central
 * directory at the end of the file (PKWARE APPNOTE 4.3), since local headers may leave them zero.
 */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

/** UTF-8 text of every file in the archive, in directory order. Throws on anything but stored or deflated entries. */
export function readZip(path: string): { name: string; text: string }[] {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end === -1) throw new Error(`${path} is not a zip archive, or it is truncated`);
  const files: { name: string; text: string }[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < bytes.readUInt16LE(end + 10); i++) {
    const method = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 20);
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + size);
    if (method !== 0 && method !== 8)
      throw new Error(`${path}: ${name} uses compression method ${method}; 0 and 8 are read`);
    if (!name.endsWith('/')) {
      files.push({ name, text: (method === 8 ? inflateRawSync(content) : content).toString('utf8') });
    }
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return files;
}
