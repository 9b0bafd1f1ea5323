/** What trainers are told about their work: Markdown in each language, as the administrator wrote it or as it comes. */
import { readFileSync } from 'node:fs';
import type { Guidelines } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';

const shipped: Guidelines = {
  en: readFileSync(new URL('guidelines.en.md', import.meta.url), 'utf8'),
  zh: readFileSync(new URL('guidelines.zh.md', import.meta.url), 'utf8'),
};

export async function readGuidelines(db: Db): Promise<Guidelines> {
  const rows = await db.selectFrom('guidelines').select(['language', 'text']).execute();
  return { ...shipped, ...Object.fromEntries(rows.map(({ language, text }) => [language, text])) };
}

export async function writeGuidelines(db: Db, author: string, guidelines: Guidelines): Promise<Guidelines> {
  for (const [language, text] of Object.entries(guidelines)) {
    const written = { text: storableText(text), updated_by: author, updated_at: Date.now() };
    await db
      .insertInto('guidelines')
      .values({ language, ...written })
      .onConflict((conflict) => conflict.column('language').doUpdateSet(written))
      .execute();
  }
  return readGuidelines(db);
}
