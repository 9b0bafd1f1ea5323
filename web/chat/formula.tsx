/**
 * A formula, set by KaTeX. Its markup becomes React elements of a few known kinds, never HTML of the page: what comes
 * from an answer stays text, and styles reach the page through the object model, which its security policy allows.
 */
import katex from 'katex';
import 'katex/dist/katex.min.css';
import { createElement, memo, type ReactNode } from 'react';

/** Ems; without a limit, a rule could cover the page. */
const largestSize = 20;
const mostExpansions = 200;
const longestFormula = 4_000;

const elements = new Set(
  (
    'span svg path line math semantics annotation mrow mi mo mn mtext mspace mfrac msup msub msubsup msqrt mroot mover ' +
    'munder munderover mtable mtr mtd mstyle mpadded mphantom menclose ms mglyph mmultiscripts mprescripts none merror'
  ).split(' '),
);
const attributes: Record<string, string> = {
  class: 'className',
  'aria-hidden': 'aria-hidden',
  viewbox: 'viewBox',
  preserveaspectratio: 'preserveAspectRatio',
  'stroke-width': 'strokeWidth',
};
const plainAttributes = new Set(
  (
    'd width height x1 x2 y1 y2 xmlns encoding display mathvariant stretchy fence separator lspace rspace minsize maxsize ' +
    'accent accentunder columnalign columnspacing rowspacing columnlines rowlines displaystyle scriptlevel linethickness ' +
    'mathcolor mathbackground voffset notation movablelimits symmetric largeop'
  ).split(' '),
);

interface FormulaProps {
  tex: string;
  /** On lines of its own. */
  alone?: boolean;
}

export const Formula = memo(function Formula({ tex, alone = false }: FormulaProps) {
  const content = typeset(tex, alone);
  // While it is being written, a formula is often not one yet.
  if (content === null) return <code>{tex}</code>;
  if (!alone) return <>{content}</>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide formula must scroll by keyboard too
    <div className="overflow-x-auto overflow-y-hidden py-1" tabIndex={0}>
      {content}
    </div>
  );
});

/** Null for what is no formula. */
function typeset(tex: string, displayMode: boolean): ReactNode {
  if (tex.length > longestFormula) return null;
  try {
    const markup = katex.renderToString(tex, {
      ...{ displayMode, output: 'htmlAndMathml', throwOnError: true, strict: false, trust: false },
      ...{ maxSize: largestSize, maxExpand: mostExpansions },
    });
    // As XML: nothing of it is known to the page as HTML, and no policy is asked about its style attributes.
    const parsed = new DOMParser().parseFromString(markup, 'application/xml');
    return toReact(parsed.documentElement, 0);
  } catch {
    return null;
  }
}

function toReact(element: Element, key: number): ReactNode {
  const name = element.localName.toLowerCase();
  if (!elements.has(name)) throw new Error(`KaTeX made an element '${name}'.`);
  const props: Record<string, unknown> = { key };
  for (const { name: attribute, value } of element.attributes) {
    const lower = attribute.toLowerCase();
    if (lower === 'style') props.style = styleObject(value);
    else if (attributes[lower]) props[attributes[lower]] = value;
    else if (plainAttributes.has(lower)) props[lower] = value;
  }
  const children = [...element.childNodes].map((child, index) =>
    child.nodeType === Node.ELEMENT_NODE ? toReact(child as Element, index) : child.textContent,
  );
  return createElement(name, props, ...children);
}

/** "margin-right:0.1em;top:-3em" as React takes it. */
function styleObject(css: string): Record<string, string> {
  return Object.fromEntries(
    css.split(';').flatMap((rule) => {
      const [property, value] = rule.split(/:(.*)/s);
      if (!property || value === undefined) return [];
      return [[property.trim().replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase()), value.trim()]];
    }),
  );
}
