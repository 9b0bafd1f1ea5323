import { X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import type { ReactNode, RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import { overlayClass, usePanelFocus } from './dialog.tsx';

interface ModalProps {
  title: string;
  description: string;
  onClose: () => void;
  /** Gets the focus when it is closed. */
  returnFocus: RefObject<HTMLElement | null>;
  children: ReactNode;
}

/** A panel in the middle of the page that takes the focus until it is closed. Mounted means open. */
export function Modal({ title, description, onClose, returnFocus, children }: ModalProps) {
  const { t } = useTranslation();
  const panelFocus = usePanelFocus();
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={overlayClass} />
        <Dialog.Content
          {...panelFocus}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            returnFocus.current?.focus();
          }}
          className="fixed top-1/2 left-1/2 z-50 max-h-[90dvh] w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 animate-rise overflow-y-auto rounded-2xl border border-line bg-surface p-6 shadow-float outline-none"
        >
          <header className="flex items-start justify-between gap-3">
            <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton label={t('app.close')} className="-mt-1 -mr-2">
                <X size={18} aria-hidden />
              </IconButton>
            </Dialog.Close>
          </header>
          <Dialog.Description className="mt-1 text-sm leading-relaxed text-muted">{description}</Dialog.Description>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
