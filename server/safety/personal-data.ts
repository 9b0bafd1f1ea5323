/**
 * Personal data in a text, by its form: e-mail addresses, telephone numbers (Chinese and international), Chinese
 * identity cards and payment cards. The two that carry a check digit are only taken for one if it is right, so that
 * few other numbers are.
 */
import type { PersonalDataKind } from '@parley/contracts';

export interface PersonalDatum {
  kind: PersonalDataKind;
  /** UTF-16 units, the end exclusive. */
  start: number;
  end: number;
}

/** Folded digits only: callers give NFKC text whose units correspond to the original's. */
export function findPersonalData(text: string): PersonalDatum[] {
  const found: PersonalDatum[] = [];
  const add = (kind: PersonalDataKind, start: number, end: number) => {
    if (!found.some((known) => start < known.end && known.start < end)) found.push({ kind, start, end });
  };
  for (const { index, 0: match } of text.matchAll(emailPattern)) add('email', index, index + match.length);
  for (const { index, 0: match } of text.matchAll(identityCardPattern)) {
    if (isIdentityCard(match)) add('identityCard', index, index + match.length);
  }
  for (const { index, 0: match } of text.matchAll(cardPattern)) {
    if (isPaymentCard(match)) add('creditCard', index, index + match.length);
  }
  for (const { index, 0: match } of text.matchAll(phonePattern)) {
    if (isPhoneNumber(match)) add('phone', index, index + match.length);
  }
  return found.sort((one, other) => one.start - other.start);
}

const emailPattern = /(?<![\w.%+-])[\w%+-]+(?:\.[\w%+-]+)*@(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z]{2,}(?![\w-])/gi;
const identityCardPattern = /(?<![\da-z])\d{17}[\dx](?![\da-z])/gi;
const cardPattern = /(?<![\d-])\d(?:[ -]?\d){12,18}(?![ -]?\d)/g;
const phonePattern = /(?:\(|(?<![\da-z.])\+?)\d(?:[ ()-]{0,2}\d){6,16}(?![\d.]*\d)/gi;

/** GB 11643-1999: the last character is 12 minus the weighted sum modulo 11, from 2 up to 12, 10 written as X. */
function isIdentityCard(text: string): boolean {
  const birth = Date.parse(`${text.slice(6, 10)}-${text.slice(10, 12)}-${text.slice(12, 14)}`);
  if (Number.isNaN(birth) || birth > Date.now() || Number(text.slice(6, 10)) < 1900) return false;
  const sum = [...text.slice(0, 17)].reduce(
    (total, digit, index) => total + Number(digit) * (2 ** (17 - index) % 11),
    0,
  );
  return '10X98765432'[sum % 11] === text[17]!.toUpperCase();
}

/** ISO/IEC 7812-1: 13 to 19 digits whose Luhn sum is a multiple of 10, from an issuer of the known first digits. */
function isPaymentCard(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (digits.length < 13 || digits.length > 19 || !/^(?:[3-5]|6[0-9]|2[2-7])/.test(digits) || /^(\d)\1+$/.test(digits))
    return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Mobile and landline numbers of China, or an international number with its plus. */
function isPhoneNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (text.startsWith('+')) return digits.length >= 8 && digits.length <= 15;
  if (/^(?:86)?1[3-9]\d{9}$/.test(digits)) return true;
  return /^\(?0\d{2,3}\)?[ -]?\d{7,8}$/.test(text) || /^\(\d{3}\) ?\d{3}[ -]\d{4}$|^\d{3}-\d{3}-\d{4}$/.test(text);
}
