import ReactMarkdown, { type Options } from 'react-markdown';
import rehypeHighlight from 'rehype-highlight';

const rehypePlugins = [rehypeHighlight];

/** Markdown with coloured code; a default export because it is loaded lazily. */
export default function HighlightedMarkdown(options: Options) {
  return <ReactMarkdown {...options} rehypePlugins={rehypePlugins} />;
}
