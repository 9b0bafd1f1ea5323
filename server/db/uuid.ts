/**
 * UUID version 7 (RFC 9562, section 5.7, with the counter of section 6.2 method 1): 48 bits of epoch
 * milliseconds, then a 12-bit counter, then randomness. Ids made by one process sort in the order in
 * which they were made, so `ORDER BY id` is the order of creation.
 */
import { randomBytes } from 'node:crypto';

const counterLimit = 0x1000;
let lastMilliseconds = 0;
let counter = 0;

export function uuidv7(now = Date.now()): string {
  if (now > lastMilliseconds) {
    lastMilliseconds = now;
    // Start low, so that a burst within one millisecond has room to count up.
    counter = randomBytes(2).readUInt16BE() & 0x7ff;
  } else {
    // A clock that stands still or steps back must not break the order.
    counter += 1;
    if (counter === counterLimit) {
      lastMilliseconds += 1;
      counter = 0;
    }
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastMilliseconds, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
