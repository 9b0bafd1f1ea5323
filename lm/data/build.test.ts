import { describe, expect, it } from 'vitest';
import { gatherDocuments } from './build.ts';
import { minHash, similarity } from './near-duplicates.ts';
import { Choice } from './random.ts';
import type { RawDocument, Source, SourceContext } from './sources/source.ts';

const context = {} as SourceContext;

function source(name: string, documents: RawDocument[]): Source {
  return { name, origin: 'test', licence: 'none', kind: 'documents', documents: () => documents };
}

const vocabulary = 'the a river boat child garden sings walks under over bright small old blue evening morning'.split(
  ' ',
);
function story(seed: number): string {
  const random = new Choice(seed);
  return Array.from({ length: 60 }, () => `${random.of(vocabulary)}${random.of(['', 's', 'ing', 'ed'])}`).join(' ');
}

const many = Array.from({ length: 900 }, (_, i) => ({ text: story(i) }));
const gather = (documents: RawDocument[], megabytes = 1) =>
  gatherDocuments([{ source: source('stories', documents), megabytes }], context);

describe('gatherDocuments', () => {
  it('counts what it removes: exact and near duplicates, and what is not text', async () => {
    const texts = [story(1), story(1), story(1).replace(/^\w+/, 'different'), '12 34', story(2)].map((text) => ({
      text,
    }));
    const { documents, sources } = await gather(texts);
    expect(documents).toHaveLength(2);
    expect(sources[0]!.removed).toEqual({ exactDuplicates: 1, nearDuplicates: 1, cleaned: 1 });
  });

  it('splits by the hash of the text alone', async () => {
    const first = await gather(many);
    const second = await gather([...many].reverse().slice(0, 600));
    const splits = new Map(first.documents.map(({ id, split }) => [id, split]));
    for (const { id, split } of second.documents) expect(split).toBe(splits.get(id));
    const share = first.documents.filter(({ split }) => split === 'validation').length / first.documents.length;
    expect(share).toBeGreaterThan(0.005);
    expect(share).toBeLessThan(0.05);
  });

  it('leaves no near copy of a validation document in training', async () => {
    const pairs = many.flatMap(({ text }, i) => [{ text }, { text: text.replace(/\w+$/, `ending${i}`) }]);
    const { documents } = await gather(pairs);
    const train = documents.filter(({ split }) => split === 'train').map(({ text }) => minHash(text));
    for (const { text } of documents.filter(({ split }) => split === 'validation')) {
      const closest = Math.max(...train.map((signature) => similarity(signature, minHash(text))));
      expect(closest).toBeLessThan(0.7);
    }
  });

  it('caps a source evenly without favouring a side of the split', async () => {
    const { documents, sources } = await gather(many, 0.1);
    expect(sources[0]!.megabytes).toBeLessThanOrEqual(0.1);
    expect(sources[0]!.megabytes).toBeGreaterThan(0.09);
    expect(documents.filter(({ split }) => split === 'validation').length).toBeLessThan(0.06 * documents.length);
  });

  it('keeps a split that a source sets', async () => {
    const { documents } = await gather([{ text: story(5), split: 'validation' }]);
    expect(documents[0]!.split).toBe('validation');
  });
});
