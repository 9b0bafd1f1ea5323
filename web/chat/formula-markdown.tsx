import ReactMarkdown, { type Components, type Options } from 'react-markdown';
import rehypeHighlight from 'rehype-highlight';
import remarkMath from 'remark-math';
import { Formula } from './formula.tsx';

const rehypePlugins: Options['rehypePlugins'] = [[rehypeHighlight, { plainText: ['math'] }]];

/** Markdown with formulas in `$$`; a default export because it is loaded lazily. */
export default function FormulaMarkdown({ components, remarkPlugins = [], ...options }: Options) {
  return (
    <ReactMarkdown
      {...options}
      remarkPlugins={[...(remarkPlugins ?? []), [remarkMath, { singleDollarTextMath: false }]]}
      rehypePlugins={rehypePlugins}
      components={{ ...components, ...formulaComponents(components) }}
    />
  );
}

/** The parser gives formulas as code of the language "math". */
function formulaComponents(components: Components | null | undefined): Components {
  const Pre = components?.pre as React.ComponentType<{ children?: React.ReactNode }>;
  return {
    pre: (props) => {
      const [code] = props.node?.children ?? [];
      const tex = code?.type === 'element' ? texOf(code) : null;
      return tex === null ? <Pre>{props.children}</Pre> : <Formula tex={tex} alone />;
    },
    code: ({ node, children, className }) => {
      const tex = node ? texOf(node) : null;
      return tex === null ? <code className={className}>{children}</code> : <Formula tex={tex} />;
    },
  };
}

interface ElementNode {
  properties: Record<string, unknown>;
  children: { type: string; value?: string }[];
}

function texOf(code: unknown): string | null {
  const { properties, children } = code as ElementNode;
  const classes = properties.className;
  if (!Array.isArray(classes) || !classes.some((name) => name === 'math-inline' || name === 'math-display'))
    return null;
  return children.map(({ value }) => value ?? '').join('');
}
