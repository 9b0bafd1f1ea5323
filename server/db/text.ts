/**
 * Text as both SQLite and PostgreSQL keep it: NUL ends a string in one and is refused by the other, and half a
 * surrogate pair has no UTF-8. Each becomes U+FFFD, as in HTML, so that what is acknowledged is what is kept.
 */
export function storableText(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\ufffd');
}
