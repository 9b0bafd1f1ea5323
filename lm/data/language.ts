/** The language that most of a text is in: Chinese where Han characters are at least a third of its letters. */
export function languageOf(text: string): 'en' | 'zh' | 'none' {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters === 0) return 'none';
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  return han * 3 >= letters ? 'zh' : 'en';
}
