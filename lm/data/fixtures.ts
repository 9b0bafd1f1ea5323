/** Small archives and tokenizers that the tests of this folder make for themselves. Not imported elsewhere. */
import { gzipSync } from 'node:zlib';
import type { ChatMessage } from '@parley/contracts';

/** A `.tgz` as npm writes it: every file under `package/`. */
export function makeArchive(files: Record<string, string>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => tarEntry(`package/${name}`, '0', Buffer.from(text)));
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** Header and padded content of one entry. */
export function tarEntry(name: string, type: string, content: Buffer): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(name.slice(0, 100), 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  header.write(type, 156);
  header.write('ustar\0', 257);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

/** One token per UTF-16 unit, ids from 10 on; conversations as `<1>content<2>` with 1 opening and 2 closing a turn. */
export const letters = {
  vocabulary: 70_000,
  hash: 'letters',
  special: { '<|endoftext|>': 0, '<|pad|>': 3 },
  encode: (text: string): number[] => [...text].map((character) => character.charCodeAt(0) + 10),
  renderChat(messages: ChatMessage[]): { ids: number[]; assistant: boolean[] } {
    const ids: number[] = [];
    const assistant: boolean[] = [];
    for (const { role, content } of messages) {
      const counts = role === 'assistant';
      ids.push(1, ...letters.encode(content), 2);
      assistant.push(false, ...Array<boolean>(content.length + 1).fill(counts));
    }
    return { ids, assistant };
  },
};
