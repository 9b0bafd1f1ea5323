/**
 * The search index of documents, in the database: any SQL engine finds the rows of a term, and the scores are made
 * here, so that SQLite and PostgreSQL rank alike.
 */
import type { Db } from '../db/database.ts';
import { packTokens, unpackTokens } from '../db/schema.ts';
import { inverseDocumentFrequency, termScore } from './bm25.ts';
import { cutPassages } from './passages.ts';
import { queryTermsOf, termsOf } from './terms.ts';

export interface FoundPassage {
  documentId: string;
  documentName: string;
  /** UTF-16 offsets in the document's text, the end exclusive. */
  start: number;
  end: number;
  text: string;
  /** BM25, above 0. */
  score: number;
}

/** Rows a statement, so that nobody waits long for the database's only connection. */
const batchRows = 200;
/** More would be a text and no question; the first ones are looked for. */
const mostQueryTerms = 200;

/** Cuts a document into passages and stores what is needed to find them. What was stored of it before goes. */
export async function indexDocument(db: Db, documentId: string): Promise<void> {
  const { text } = await db
    .selectFrom('documents')
    .select('text')
    .where('id', '=', documentId)
    .executeTakeFirstOrThrow();
  await db.deleteFrom('passages').where('document_id', '=', documentId).execute();
  await db.deleteFrom('document_terms').where('document_id', '=', documentId).execute();

  const postings = new Map<string, number[]>();
  const passages = cutPassages(text).map(({ start, end }, position) => {
    const terms = termsOf(text.slice(start, end));
    for (const [term, count] of countsOf(terms)) {
      const known = postings.get(term);
      if (known) known.push(position, count);
      else postings.set(term, [position, count]);
    }
    return { document_id: documentId, position, start_offset: start, end_offset: end, terms: terms.length };
  });
  for (const rows of batches(passages)) await db.insertInto('passages').values(rows).execute();
  for (const entries of batches([...postings])) {
    const rows = entries.map(([term, pairs]) => ({ document_id: documentId, term, postings: packTokens(pairs) }));
    await db.insertInto('document_terms').values(rows).execute();
  }
}

/** The passages of an assistant's documents that fit the question best, best first. */
export async function searchPassages(
  db: Db,
  assistantId: string,
  question: string,
  limit: number,
): Promise<FoundPassage[]> {
  const terms = queryTermsOf(question).slice(0, mostQueryTerms);
  const { total, length } = await db
    .selectFrom('passages')
    .innerJoin('documents', 'documents.id', 'passages.document_id')
    .where('documents.assistant_id', '=', assistantId)
    .where('documents.state', '=', 'ready')
    .select(({ fn }) => [fn.countAll().as('total'), fn.sum('passages.terms').as('length')])
    .executeTakeFirstOrThrow();
  if (terms.length === 0 || Number(total) === 0) return [];
  const rows = await db
    .selectFrom('document_terms')
    .innerJoin('documents', 'documents.id', 'document_terms.document_id')
    .where('documents.assistant_id', '=', assistantId)
    .where('documents.state', '=', 'ready')
    .where('document_terms.term', 'in', terms)
    .select(['document_terms.document_id', 'document_terms.term', 'document_terms.postings'])
    .execute();
  const lengths = await passageLengths(db, [...new Set(rows.map((row) => row.document_id))]);

  const hitsByTerm = new Map<string, Hit[]>();
  for (const { term, document_id, postings } of rows) {
    hitsByTerm.set(term, [...(hitsByTerm.get(term) ?? []), ...hitsOf(document_id, unpackTokens(postings))]);
  }
  const scores = new Map<string, number>();
  for (const hits of hitsByTerm.values()) {
    const idf = inverseDocumentFrequency(hits.length, Number(total));
    for (const { key, frequency } of hits) {
      const score = termScore(idf, frequency, lengths.get(key)!, Number(length) / Number(total));
      scores.set(key, (scores.get(key) ?? 0) + score);
    }
  }
  // Ties go by place, so that every engine gives the same order.
  const best = [...scores].sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)).slice(0, limit);
  return Promise.all(best.map(([key, score]) => foundPassage(db, key, score)));
}

/** A term stands so often in a passage. */
interface Hit {
  key: string;
  frequency: number;
}

function hitsOf(documentId: string, pairs: readonly number[]): Hit[] {
  return Array.from({ length: pairs.length / 2 }, (_, index) => ({
    key: passageKey(documentId, pairs[2 * index]!),
    frequency: pairs[2 * index + 1]!,
  }));
}

/** Sorts as document and position do. */
function passageKey(documentId: string, position: number): string {
  return `${documentId} ${String(position).padStart(7, '0')}`;
}

async function passageLengths(db: Db, documents: readonly string[]): Promise<Map<string, number>> {
  if (documents.length === 0) return new Map();
  const rows = await db
    .selectFrom('passages')
    .select(['document_id', 'position', 'terms'])
    .where('document_id', 'in', documents)
    .execute();
  return new Map(rows.map((row) => [passageKey(row.document_id, row.position), row.terms]));
}

async function foundPassage(db: Db, key: string, score: number): Promise<FoundPassage> {
  const [documentId, position] = key.split(' ') as [string, string];
  const { name, text, start, end } = await db
    .selectFrom('passages')
    .innerJoin('documents', 'documents.id', 'passages.document_id')
    .where('document_id', '=', documentId)
    .where('position', '=', Number(position))
    .select(['name', 'text', 'start_offset as start', 'end_offset as end'])
    .executeTakeFirstOrThrow();
  return { documentId, documentName: name, start, end, text: text.slice(start, end), score };
}

function countsOf(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function* batches<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let first = 0; first < items.length; first += batchRows) yield items.slice(first, first + batchRows);
}
