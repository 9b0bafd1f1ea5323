/** English prose in packages: the Brown corpus of 1961, and mailing lists of 2002. */
import { packagePins } from '../package-pins.ts';
import { untag } from './markup.ts';
import { packageOrigin, type Source } from './source.ts';

export const brownCorpus: Source = {
  name: 'brown-corpus',
  origin: packageOrigin(packagePins.brown),
  licence: 'MIT (package; corpus: redistribution permitted)',
  kind: 'documents',
  async *documents({ cache }) {
    for await (const { text } of cache.texts(packagePins.brown, /^c[a-r]\d\d$/)) {
      yield { text: untag(text), language: 'en' };
    }
  },
};

export const mailingLists: Source = {
  name: 'mailing-lists',
  origin: packageOrigin(packagePins.mail),
  licence: 'Apache-2.0 (package; mails in the public domain, PDDL)',
  kind: 'documents',
  async *documents({ cache }) {
    for await (const { text } of cache.texts(packagePins.mail, /^data\/(easy|hard)-ham-\d\/.*\.txt$/)) {
      const body = scrubMail(text);
      if (body !== null) yield { text: body, language: 'en' };
    }
  },
};

const PERSONAL = /[\w.+-]+@[\w-]+(\.[\w-]+)+|\b(\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b/g;

/**
 * The plain body of a mail without headers, signature, quoted lines, list footers, addresses and telephone
 * numbers; attributions ("On Monday NAME wrote:") and closing names go with them. Null if little is left or
 * the mail is HTML, a patch or in several parts.
 */
export function scrubMail(mail: string): string | null {
  const gap = mail.search(/\r?\n\r?\n/);
  if (gap === -1) return null;
  const headers = mail.slice(0, gap);
  if (/^content-type:\s*(multipart|text\/html)/im.test(headers) || /base64|quoted-printable/i.test(headers))
    return null;
  let body = mail.slice(gap).replace(/\r/g, '');
  if (/<(html|table|br|p)\b/i.test(body) || /^(diff |@@ |\+\+\+ )/m.test(body)) return null;
  body = body
    .replace(/\n-- ?\n[\s\S]*$/, '')
    .replace(/\n[-_=*~]{5,}[\s\S]*$/, '')
    .replace(/^\s*(\w{0,3}>|[|}#:]|--?\]).*$/gm, '')
    .replace(/^.*\b(wrote|writes|said|schrieb)\s*:\s*$/gim, '')
    .replace(/^(On|At) .*(\n.*)?\b(wrote|writes)\b.*$/gm, '')
    .replace(/^(From|To|Cc|Date|Sent|Subject|Message-ID|In-Reply-To|Reply-To)\s*:.*$/gim, '')
    .replace(/https?:\/\/\S+|www\.\S+/g, '')
    .replace(PERSONAL, '')
    .replace(/<>|\(\)|\[\]/g, '')
    // A closing name: the last short line of one to three capitalised words.
    .replace(/\n\s*[-~]*\s*\p{L}[\p{L}.'-]*( \p{Lu}[\p{L}.'-]*){0,2}\s*[.,]?\s*$/u, '')
    .replace(/\n{2,}/g, '\n\n')
    .trim();
  // Hard-wrapped lines become paragraphs.
  body = body.replace(/([^\n]{55,})\n(?=[\w"'(])/g, '$1 ');
  return body.length >= 120 ? body : null;
}
