/**
 * The `lang` of a piece of text, for fonts and screen readers: Chinese if it has Han characters and no kana or
 * hangul, otherwise unknown.
 */
export function languageOf(text: string): 'zh-CN' | undefined {
  return /\p{Script=Han}/u.test(text) && !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text)
    ? 'zh-CN'
    : undefined;
}
