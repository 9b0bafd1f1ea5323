/** Chinese in packages: classical poems in simplified script, writing guides, component manuals, an editor's words. */
import { packagePins } from '../package-pins.ts';
import { stripMarkdown } from './markup.ts';
import { grouped, packageOrigin, type Source } from './source.ts';

export const classicalPoetry: Source = {
  name: 'classical-poetry',
  origin: packageOrigin(packagePins.poetry),
  licence: 'MIT (texts in the public domain)',
  kind: 'documents',
  documents({ knowledge }) {
    const poems = knowledge.poems.map((poem) => {
      const heading = poem.author ? `《${poem.title}》\n${poem.author}` : `《${poem.title}》`;
      return `${heading}\n\n${poem.lines.join('\n')}`;
    });
    return poems.map((text) => ({ text, language: 'zh' as const }));
  },
};

export const writingGuides: Source = {
  name: 'writing-guides',
  origin: packageOrigin(packagePins.novelGuides),
  licence: 'MIT',
  kind: 'documents',
  async *documents({ cache }) {
    // The package holds one copy of its guides per tool; each paragraph counts once.
    const seen = new Set<string>();
    for await (const { text } of cache.texts(packagePins.novelGuides, /\.md$/)) {
      const fresh = stripMarkdown(text)
        .split(/\n\s*\n/)
        .filter((paragraph) => {
          const isNew = !seen.has(paragraph);
          seen.add(paragraph);
          return isNew && !/^\s*(```|\$|\{|npm |novel )/.test(paragraph);
        });
      if (fresh.length > 0) yield { text: fresh.join('\n\n') };
    }
  },
};

export const componentManuals: Source = {
  name: 'component-manuals',
  origin: packageOrigin(packagePins.components),
  licence: 'MIT',
  kind: 'documents',
  async *documents({ cache }) {
    for await (const { text } of cache.texts(packagePins.components, /components\/[^/]+\/docs\.md$/)) {
      yield { text: stripMarkdown(text).replace(/^\|.*\|$/gm, '') };
    }
  },
};

export const editorMessages: Source = {
  name: 'editor-messages',
  origin: packageOrigin(packagePins.editor),
  licence: 'MIT',
  kind: 'documents',
  async *documents({ cache }) {
    for await (const { text } of cache.texts(packagePins.editor, /i18n\.json(\.js)?$/)) {
      const sentences = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
        .map((match) => JSON.parse(`"${match[1]}"`) as string)
        .filter((message) => /\p{Script=Han}{4}/u.test(message) && /[。！？]/.test(message) && !/[{`$<]/.test(message))
        .map((message) => message.replace(/\n+/g, ''));
      for (const group of grouped(new Set(sentences), 600, '\n')) yield { text: group, language: 'zh' };
    }
  },
};
