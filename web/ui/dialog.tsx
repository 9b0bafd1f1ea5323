import { X } from 'lucide-react';
import { AlertDialog, Dialog } from 'radix-ui';
import { type ReactNode, type RefObject, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';
import { classNames } from './class-names.ts';

export const overlayClass = 'fixed inset-0 z-40 animate-fade bg-black/35 dark:bg-black/55';

/** Gives a panel the focus that opens: the panel itself, so that its title is read and no button's tooltip pops up. */
export function usePanelFocus() {
  const ref = useRef<HTMLDivElement>(null);
  const onOpenAutoFocus = (event: Event) => {
    event.preventDefault();
    ref.current?.focus();
  };
  return { ref, tabIndex: -1, onOpenAutoFocus };
}

interface DrawerProps {
  /** The button that opens it, and that gets the focus back. */
  trigger: ReactNode;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  side: 'left' | 'right';
  title: string;
  /** Hides the heading from sight where the content speaks for itself. */
  titleHidden?: boolean;
  description?: string;
  children: ReactNode;
}

/** A panel that slides in from a side and takes the focus until it is closed. */
export function Drawer({
  trigger,
  open,
  onOpenChange,
  side,
  title,
  titleHidden = false,
  description,
  children,
}: DrawerProps) {
  const { t } = useTranslation();
  const panelFocus = usePanelFocus();
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger asChild>{trigger}</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className={overlayClass} />
        <Dialog.Content
          {...panelFocus}
          {...(description ? {} : { 'aria-describedby': undefined })}
          className={classNames(
            'fixed inset-y-0 z-50 flex max-w-[88vw] flex-col outline-none',
            'pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)]',
            side === 'left'
              ? 'left-0 w-72 animate-slide-left bg-sidebar'
              : 'right-0 w-96 animate-slide-right border-l border-line bg-surface',
          )}
        >
          {titleHidden ? (
            <Dialog.Title className="sr-only">{title}</Dialog.Title>
          ) : (
            <header className="flex items-center justify-between px-5 pt-4 pb-1">
              <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
              <Dialog.Close asChild>
                <IconButton label={t('app.close')} className="-mr-2">
                  <X size={18} aria-hidden />
                </IconButton>
              </Dialog.Close>
            </header>
          )}
          {description && <Dialog.Description className="px-5 text-sm text-muted">{description}</Dialog.Description>}
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface ConfirmationProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text: string;
  /** The word on the button that does it. */
  action: string;
  onConfirm: () => void;
  /** Gets the focus after Cancel. */
  returnFocus: RefObject<HTMLElement | null>;
}

/** Asks before something that cannot be taken back. The safe answer has the focus. */
export function Confirmation({ open, onOpenChange, title, text, action, onConfirm, returnFocus }: ConfirmationProps) {
  const { t } = useTranslation();
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={overlayClass} />
        <AlertDialog.Content
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            returnFocus.current?.focus();
          }}
          className="fixed top-1/2 left-1/2 z-50 w-[min(26rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 animate-rise rounded-2xl border border-line bg-surface p-6 shadow-float"
        >
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-sm leading-relaxed wrap-anywhere text-muted">
            {text}
          </AlertDialog.Description>
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{t('app.cancel')}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button shape="danger" onClick={onConfirm}>
                {action}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
