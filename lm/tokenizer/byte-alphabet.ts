/**
 * The printable alphabet of byte-level BPE (Radford et al. 2019, GPT-2's `bytes_to_unicode`).
 *
 * A `tokenizer.json` is text, so each of the 256 bytes gets a visible character: printable Latin-1 bytes
 * stand for themselves, the other 68 take U+0100 onwards in byte order (a space is `Ġ`, a newline `Ċ`).
 */

const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

const allBytes = Array.from({ length: 256 }, (_, byte) => byte);

/** The 256 bytes in the order of their characters: the order in which Hugging Face's trainer numbers them. */
export const BYTES_IN_ALPHABET_ORDER: readonly number[] = [
  ...allBytes.filter(isPrintable),
  ...allBytes.filter((byte) => !isPrintable(byte)),
];

const characterOfByte: string[] = [];
const byteOfCharacter = new Map<string, number>();
for (const [order, byte] of BYTES_IN_ALPHABET_ORDER.entries()) {
  const character = String.fromCharCode(isPrintable(byte) ? byte : 0x100 + order - 188);
  characterOfByte[byte] = character;
  byteOfCharacter.set(character, byte);
}

/** The alphabet's spelling of some bytes, one character per byte. */
export function spellBytes(bytes: Uint8Array): string {
  let spelling = '';
  for (const byte of bytes) spelling += characterOfByte[byte];
  return spelling;
}

/** The bytes behind a spelling, or null if a character lies outside the alphabet. */
export function bytesOfSpelling(spelling: string): Uint8Array | null {
  const bytes = new Uint8Array(spelling.length);
  for (let i = 0; i < spelling.length; i++) {
    const byte = byteOfCharacter.get(spelling[i]!);
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}
