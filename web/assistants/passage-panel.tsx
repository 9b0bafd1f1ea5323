/** A passage where it stands in its document, highlighted. */
import type { Citation } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useCallback, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { languageOf } from '../chat/language-of.ts';
import { IconButton } from '../ui/button.tsx';
import { excerptQuery } from './api.ts';

type Passage = Pick<Citation, 'documentId' | 'documentName' | 'start' | 'end' | 'text'>;

export default function PassagePanel({ citation, onClose }: { citation: Passage; onClose: () => void }) {
  const { t } = useTranslation();
  const { data: excerpt, error } = useQuery(excerptQuery(citation));
  const panel = useRef<HTMLDivElement>(null);
  const gone = citation.documentId === null || error !== null;
  const intoView = useCallback((mark: HTMLElement | null) => mark?.scrollIntoView({ block: 'center' }), []);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 animate-fade bg-black/20 dark:bg-black/45" />
        <Dialog.Content
          ref={panel}
          tabIndex={-1}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            // The panel itself: on its button a tooltip would pop up, and take the first Escape.
            event.preventDefault();
            panel.current?.focus();
          }}
          className="fixed inset-y-0 right-0 z-50 flex w-[min(34rem,100vw)] animate-slide-right flex-col border-l border-line bg-surface pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)] outline-none"
        >
          <header className="flex items-center justify-between gap-3 border-b border-line py-2.5 pr-3 pl-5">
            <Dialog.Title className="font-serif text-lg font-semibold wrap-anywhere">
              {citation.documentName}
            </Dialog.Title>
            <Dialog.Close asChild>
              <IconButton label={t('app.close')}>
                <X size={18} aria-hidden />
              </IconButton>
            </Dialog.Close>
          </header>
          <div
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a long document must scroll by keyboard too
            tabIndex={0}
            role="document"
            lang={languageOf(citation.text)}
            className="min-h-0 grow overflow-y-auto px-5 py-4 leading-relaxed wrap-anywhere whitespace-pre-wrap outline-offset-[-2px]"
          >
            {gone && <p className="mb-4 text-sm text-muted">{t('citations.gone')}</p>}
            {excerpt?.moreBefore && <span className="text-muted">… </span>}
            <span className="text-muted">{excerpt?.before}</span>
            <mark ref={intoView} className="rounded bg-amber-soft text-ink">
              {excerpt?.passage ?? citation.text}
            </mark>
            <span className="text-muted">{excerpt?.after}</span>
            {excerpt?.moreAfter && <span className="text-muted"> …</span>}
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
