/**
 * Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane: password storage cheat sheet), compared in
 * the same time whether the account exists or not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Algorithm, hash, verify } from '@node-rs/argon2';
import { HttpError } from '../http/errors.ts';

const parameters = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Each takes 19 MiB and a thread of the pool that also reads files. */
const atOnce = 2;
const longestQueue = 100;
/** Of random bytes that nobody kept: what a password is compared with where there is no account. */
const decoy = '$argon2id$v=19$m=19456,t=2,p=1$hw0jlXNlDszfHdqhR0ChAg$j4cl5/uTBaMdip8XLcfBav8e/vYy6vi/ieYx+YFANGA';

let running = 0;
const waiting: (() => void)[] = [];

/** The 3000 most common passwords of at least eight characters, by the list of zxcvbn (MIT licence, Dropbox Inc.). */
const common = new Set(
  readFileSync(join(import.meta.dirname, 'common-passwords.txt'), 'utf8')
    .trim()
    .split('\n'),
);

/**
 * Hashes a new password.
 * @param personal words that are too easy to guess for this person, such as their e-mail address
 * @throws HttpError 400 for a password that attackers try first, 503 if too many wait to be hashed
 */
export async function hashNewPassword(password: string, personal: readonly string[]): Promise<string> {
  const normal = password.normalize('NFKC');
  const lower = normal.toLowerCase();
  const known = personal.flatMap((word) => [word, word.split('@')[0]!]).map((word) => word.toLowerCase());
  if (common.has(lower) || known.includes(lower) || new Set(normal).size < 4) {
    throw new HttpError(
      400,
      'password_too_common',
      'This password is one of the first that attackers try. Choose another; a few random words are good.',
      { param: 'password' },
    );
  }
  return inTurn(() => hash(normal, parameters));
}

/**
 * Whether `password` is the one that was hashed. Takes as long without a hash to compare with.
 * @throws HttpError 503 if too many wait to be compared
 */
export async function isPassword(password: string, hashed: string | null): Promise<boolean> {
  const same = await inTurn(() => verify(hashed ?? decoy, password.normalize('NFKC')));
  return same && hashed !== null;
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running === atOnce) {
    if (waiting.length >= longestQueue) {
      throw new HttpError(503, 'busy', 'Too many people are signing in. Try again.', { retryAfterSeconds: 2 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running++;
  }
  try {
    return await work();
  } finally {
    // Whoever waits takes the place over, so that nobody slips in between.
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
