/** Secrets that are kept as hashes: session tokens, API keys, password links. */
import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits as 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * SHA-256 in hexadecimal. A fast hash is enough: there is nothing to guess in 256 random bits. The lookup by hash in an
 * index tells no time about the secret, because a guess cannot be steered towards a hash.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
