/**
 * Writes `text[start, end)` as UTF-8; lone surrogates become U+FFFD.
 * @param into at least 3 bytes per UTF-16 unit
 * @returns number of bytes written
 */
export function writeUtf8(text: string, start: number, end: number, into: Uint8Array): number {
  let size = 0;
  for (let i = start; i < end; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      into[size++] = code;
    } else if (code < 0x800) {
      into[size++] = 0xc0 | (code >> 6);
      into[size++] = 0x80 | (code & 0x3f);
    } else {
      if ((code & 0xf800) === 0xd800) {
        const low = code < 0xdc00 && i + 1 < end ? text.charCodeAt(i + 1) : 0;
        if ((low & 0xfc00) === 0xdc00) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          into[size++] = 0xf0 | (code >> 18);
          into[size++] = 0x80 | ((code >> 12) & 0x3f);
          into[size++] = 0x80 | ((code >> 6) & 0x3f);
          into[size++] = 0x80 | (code & 0x3f);
          i++;
          continue;
        }
        code = 0xfffd;
      }
      into[size++] = 0xe0 | (code >> 12);
      into[size++] = 0x80 | ((code >> 6) & 0x3f);
      into[size++] = 0x80 | (code & 0x3f);
    }
  }
  return size;
}
