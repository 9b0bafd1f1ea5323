/** The data card for people: what is inside, where it comes from, under which licence. */
import type { DataCard } from '@parley/contracts';

export function cardMarkdown(card: DataCard, shares: { validation: number; heldOut: number }): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const rows = card.sources.map(
    ({ name, kind, languages, documents, megabytes: size, removed, licence, origin }) =>
      `| ${name} | ${kind} | ${languages.join(', ')} | ${documents} | ${size.toFixed(2)} | ${removed.exactDuplicates} / ${removed.nearDuplicates} / ${removed.cleaned} | ${licence} | ${origin} |`,
  );
  const tasks = Object.entries(card.demonstrations.tasks).sort(([a], [b]) => (a < b ? -1 : 1));
  return `# Data card: ${card.name}

- Text: ${megabytes(card.bytes.train)} in ${card.documents.train} training documents, ${megabytes(card.bytes.validation)} in ${card.documents.validation} validation documents
- Languages by bytes: English ${percent(card.languageShares.en)}, Chinese ${percent(card.languageShares.zh)}, code ${percent(card.languageShares.code)}
- Demonstrations: ${card.demonstrations.train} for training, ${card.demonstrations.validation} held out
- Hash: \`${card.hash}\`

A document validates by its hash (${percent(shares.validation)}); dialogues and sentence pairs by their key (${percent(shares.heldOut)}), so that a held-out
demonstration is never a pretraining document. Exact and near duplicates (MinHash, five-token shingles, 70 % agreement)
were removed before the split.

| Source | Kind | Languages | Documents | MB | Removed: exact / near / unclean | Licence | Origin |
|---|---|---|---:|---:|---|---|---|
${rows.join('\n')}

## Demonstrations for training, by task

| Task | Conversations |
|---|---:|
${tasks.map(([task, count]) => `| ${task} | ${count} |`).join('\n')}
`;
}
