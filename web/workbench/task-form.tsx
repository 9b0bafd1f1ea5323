/** What the forms of all kinds of tasks share: their keys, their comment, and the bar below them. */
import type { Content, Task } from '@parley/contracts';
import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { LongField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import type { TaskWork } from './work.ts';

export interface TaskFormProps<Kind extends Content> {
  task: Task;
  work: TaskWork<Kind>;
  /** Something is on its way to the server. */
  busy: boolean;
  error: Error | null;
  onSubmit: (content: Kind) => void;
  onSkip: () => void;
}

/** Keys that work wherever the focus is, unless what has it wants them itself. */
export function useTaskKeys(keys: Record<string, () => void>): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target instanceof Element) {
      if (target.closest('textarea, input, select, [contenteditable], [role="dialog"], [role="menu"]')) return;
      if (event.key === 'Enter' && target.closest('button, a, summary')) return;
    }
    if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    addEventListener('keydown', handle);
    return () => removeEventListener('keydown', handle);
  }, []);
}

/** A key's name on the button that it stands for; fingers have no use for it. */
export function Key({ of }: { of: string }) {
  return (
    <kbd
      aria-hidden
      className="rounded-md border border-current/30 px-1.5 font-sans text-xs leading-5 pointer-coarse:hidden"
    >
      {of}
    </kbd>
  );
}

export function CommentField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const { t } = useTranslation();
  return <LongField label={t('work.comment')} rows={2} maxLength={4_000} value={value} onChange={onChange} />;
}

interface WorkBarProps {
  work: Pick<TaskWork<Content>, 'save' | 'saved'>;
  busy: boolean;
  error: Error | null;
  onSkip: () => void;
  /** The button that goes on. */
  children: ReactNode;
}

/** Skip on the left, going on on the right, and whether the draft is safe in between. */
export function WorkBar({ work, busy, error, onSkip, children }: WorkBarProps) {
  const { t } = useTranslation();
  return (
    <div className="sticky bottom-0 -mx-1 border-t border-line bg-canvas px-1 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
      {error && (
        <div className="mb-3">
          <Notice tone="danger">{t('work.failed', { reason: errorText(t, error) })}</Notice>
        </div>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button shape="quiet" disabled={busy} onClick={onSkip}>
          {t('work.skip')} <Key of="⌫" />
        </Button>
        <Button shape="quiet" disabled={busy} onClick={() => void work.save()}>
          {t('work.save')} <Key of="Ctrl S" />
        </Button>
        <span role="status" className="grow text-sm text-muted">
          {work.saved === 'yes' && t('work.saved')}
          {work.saved === 'failed' && <span className="text-danger">{t('work.notSaved')}</span>}
        </span>
        {children}
      </div>
    </div>
  );
}
