/** Markdown whose parser is fetched with the first answer, so that it does not hold up the page itself. */
import { lazy, Suspense } from 'react';
import type { MarkdownProps } from './markdown-text.tsx';

/** Call it when an answer is near. */
export const fetchMarkdown = () => import('./markdown-text.tsx');

const MarkdownText = lazy(fetchMarkdown);

export function Markdown(props: MarkdownProps) {
  return (
    <Suspense fallback={<div className="markdown whitespace-pre-wrap">{props.text}</div>}>
      <MarkdownText {...props} />
    </Suspense>
  );
}
