/**
 * An answer's Markdown as React elements. No HTML from the text is ever rendered, no image is loaded (an address
 * in an answer could carry away what was said), and links open apart without a way back.
 */
import { lazy, memo, type PropsWithChildren, Suspense, useDeferredValue, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import ReactMarkdown, { type Components, type Options } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { citationAddress, citationMarks } from '../assistants/citation-marks.ts';
import { CitationMark } from '../assistants/citations.tsx';
import { classNames } from '../ui/class-names.ts';
import { splitBlocks } from './blocks.ts';
import { CodeBlock } from './code-block.tsx';
import { languageOf } from './language-of.ts';
import { withMathDelimiters } from './math-delimiters.ts';

// The highlighter is as large as the rest of the page: fetched with the first code block.
const HighlightedMarkdown = lazy(() => import('./highlighted-markdown.tsx'));
// Formulas bring fonts and a typesetter.
const FormulaMarkdown = lazy(() => import('./formula-markdown.tsx'));

export interface MarkdownProps {
  text: string;
  /** Whether more is coming: shows the pen. */
  writing?: boolean;
  /** What its highest heading is on the page: one below the heading that it stands under. An answer's is of level 2. */
  headingLevel?: HeadingLevel;
}

type HeadingLevel = 2 | 3 | 4;

/** A default export because it is loaded lazily. */
export default function MarkdownText({ text, writing = false, headingLevel = 3 }: MarkdownProps) {
  // Text that takes longer to render than a frame lasts skips frames instead of holding up the keyboard.
  const shown = useDeferredValue(text);
  const blocks = useMemo(() => splitBlocks(shown), [shown]);
  return (
    <div className={classNames('markdown', writing && 'writing')} lang={languageOf(text)}>
      {blocks.map((block, index) => (
        // Text only grows, so a block keeps its place.
        <Block key={index} text={block} headingLevel={headingLevel} />
      ))}
    </div>
  );
}

interface BlockProps {
  text: string;
  headingLevel: HeadingLevel;
}

const Block = memo(function Block({ text, headingLevel }: BlockProps) {
  const options = markdownOptions[headingLevel];
  const plain = <ReactMarkdown {...options}>{text}</ReactMarkdown>;
  const marked = withMathDelimiters(text);
  if (marked.includes('$$')) {
    return (
      <Suspense fallback={plain}>
        <FormulaMarkdown {...options}>{marked}</FormulaMarkdown>
      </Suspense>
    );
  }
  if (!/(```|~~~)/.test(text)) return plain;
  return (
    <Suspense fallback={plain}>
      <HighlightedMarkdown {...options}>{text}</HighlightedMarkdown>
    </Suspense>
  );
});

const components: Components = {
  a: ({ href, children }) =>
    href?.startsWith(citationAddress) ? (
      <CitationMark number={Number(href.slice(citationAddress.length))}>{children}</CitationMark>
    ) : href ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  img: ({ alt }) => <HiddenImage alt={alt ?? ''} />,
  input: ({ checked }) => <span aria-hidden="true">{checked ? '☑ ' : '☐ '}</span>,
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table must scroll by keyboard too
    <div className="table-frame overflow-x-auto rounded-xl border border-line" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
};

/** A text's own headings, moved below those of the page; they look as the text ranks them. */
function headingsFrom(level: HeadingLevel): Components {
  return Object.fromEntries(
    [1, 2, 3, 4, 5, 6].map((rank) => {
      const Heading = `h${Math.min(6, level + rank - 1)}` as 'h2';
      return [
        `h${rank}`,
        ({ children }: PropsWithChildren) => <Heading className={`rank-${rank}`}>{children}</Heading>,
      ];
    }),
  );
}

// Made once: a new component type would draw every heading anew.
const markdownOptions: Record<HeadingLevel, Options> = { 2: optionsFor(2), 3: optionsFor(3), 4: optionsFor(4) };

function optionsFor(level: HeadingLevel): Options {
  return {
    components: { ...components, ...headingsFrom(level) },
    // A single tilde is how Chinese writes a range ("3~5 天"), not a strike-through.
    remarkPlugins: [[remarkGfm, { singleTilde: false }], citationMarks],
  };
}

function HiddenImage({ alt }: { alt: string }) {
  const { t } = useTranslation();
  return <span className="text-muted">[{t('answer.image', { alt })}]</span>;
}
