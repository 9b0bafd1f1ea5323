import { ArrowUp, Square } from 'lucide-react';
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { draftOf } from './drafts.ts';
import { SettingsDrawer } from './settings-drawer.tsx';

const longestMessage = 32_000;
const tallestField = 240;

export const composerId = 'composer';

/** Lets the person type on; not on a touch screen, where the keyboard would cover the conversation. */
export function focusComposer(): void {
  if (matchMedia('(pointer: fine)').matches) document.getElementById(composerId)?.focus();
}

export interface ComposerHandle {
  /** Puts a text into the field, to be edited and sent. */
  fill(text: string): void;
}

interface ComposerProps {
  /** Null for a conversation that is not there yet. */
  conversationId: string | null;
  /** An answer is being written: the button stops it. */
  busy: boolean;
  /** Nothing can be sent yet. */
  disabled?: boolean;
  /** A promise that rejects gives the text back. */
  onSend: (text: string) => void | Promise<void>;
  onStop: () => void;
  ref?: Ref<ComposerHandle>;
}

export function Composer({ conversationId, busy, disabled = false, onSend, onStop, ref }: ComposerProps) {
  const { t } = useTranslation();
  const draft = draftOf(conversationId);
  const [text, setText] = useState(draft.read);
  const field = useRef<HTMLTextAreaElement>(null);
  const tooLongBy = text.trim().length - longestMessage;
  const sendable = text.trim() !== '' && tooLongBy <= 0 && !busy && !disabled;

  function change(next: string): void {
    setText(next);
    draft.write(next);
  }

  useImperativeHandle(ref, () => ({
    fill(next) {
      change(next);
      field.current?.focus();
    },
  }));

  useEffect(focusComposer, []);

  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${Math.min(field.current.scrollHeight, tallestField)}px`;
  }, [text]);

  async function send(): Promise<void> {
    if (!sendable) return;
    const sent = text.trim();
    change('');
    field.current?.focus();
    try {
      await onSend(sent);
    } catch {
      change(sent);
    }
  }

  function handleKey(event: KeyboardEvent): void {
    // While an input method composes (229 is Safari's way of saying so), Enter belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    void send();
  }

  return (
    <form
      className="mx-auto w-full max-w-3xl px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-5"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div className="rounded-[1.4rem] border border-line bg-surface shadow-float transition-colors focus-within:border-line-strong">
        <label htmlFor={composerId} className="sr-only">
          {t('composer.label')}
        </label>
        <textarea
          ref={field}
          id={composerId}
          value={text}
          rows={1}
          enterKeyHint="send"
          placeholder={t('composer.placeholder')}
          onChange={(event) => change(event.target.value)}
          onKeyDown={handleKey}
          className="block w-full resize-none bg-transparent px-5 pt-3.5 pb-1 text-base leading-relaxed outline-none placeholder:text-muted"
        />
        <div className="flex items-center gap-2 px-2.5 pb-2.5">
          <SettingsDrawer />
          <p className="grow text-xs leading-snug text-muted" aria-live="polite">
            {tooLongBy > 0 ? (
              <span className="text-danger">{t('composer.tooLong', { count: tooLongBy })}</span>
            ) : (
              t('composer.hint')
            )}
          </p>
          {busy ? (
            <RoundButton label={t('composer.stop')} onClick={onStop}>
              <Square size={14} fill="currentColor" aria-hidden />
            </RoundButton>
          ) : (
            <RoundButton label={t('composer.send')} submit disabled={!sendable}>
              <ArrowUp size={20} strokeWidth={2.25} aria-hidden />
            </RoundButton>
          )}
        </div>
      </div>
    </form>
  );
}

interface RoundButtonProps {
  label: string;
  submit?: boolean;
  disabled?: boolean;
  onClick?: () => void;
  children: React.ReactNode;
}

function RoundButton({ label, submit = false, ...props }: RoundButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      aria-label={label}
      title={label}
      className="inline-flex size-9 shrink-0 items-center justify-center rounded-full bg-accent text-on-accent transition-colors hover:bg-accent-hover disabled:cursor-default disabled:bg-bubble disabled:text-muted pointer-coarse:size-11"
      {...props}
    />
  );
}
