import { isValidElement, type ReactNode, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../ui/copy-button.tsx';

/** A fenced code block with its language and a copy button. `children` is the `<code>` element. */
export function CodeBlock({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLPreElement>(null);
  return (
    <figure className="overflow-hidden rounded-xl border border-line bg-sunken" lang="en">
      <figcaption className="flex h-9 items-center justify-between border-b border-line pr-1 pl-4 text-xs text-muted">
        <span className="font-mono">{languageName(children)}</span>
        <CopyButton label={t('answer.copyCode')} text={() => (frame.current?.textContent ?? '').replace(/\n$/, '')} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: wide code must scroll by keyboard too */}
      <pre ref={frame} tabIndex={0} className="overflow-x-auto p-4 font-mono text-[0.875rem] leading-relaxed">
        {children}
      </pre>
    </figure>
  );
}

function languageName(code: ReactNode): string {
  const className = isValidElement<{ className?: string }>(code) ? code.props.className : undefined;
  return /language-([\w+#-]+)/.exec(className ?? '')?.[1] ?? '';
}
