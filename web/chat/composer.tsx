import { ArrowUp, Paperclip, Square } from 'lucide-react';
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { AttachmentList, useAttachments } from './attachments.tsx';
import { draftOf } from './drafts.ts';
import { fetchMarkdown } from './markdown.tsx';
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
  /** A promise that rejects gives the text and the files back. */
  onSend: (text: string, fileIds: string[]) => void | Promise<void>;
  onStop: () => void;
  ref?: Ref<ComposerHandle>;
}

export function Composer({ conversationId, busy, disabled = false, onSend, onStop, ref }: ComposerProps) {
  const { t } = useTranslation();
  const draft = draftOf(conversationId);
  const [text, setText] = useState(draft.read);
  const field = useRef<HTMLTextAreaElement>(null);
  const tooLongBy = text.trim().length - longestMessage;
  const attachments = useAttachments();
  const picker = useRef<HTMLInputElement>(null);
  const [dropping, setDropping] = useState(false);
  const sendable = text.trim() !== '' && tooLongBy <= 0 && !busy && !disabled && !attachments.waiting;

  function change(next: string): void {
    void fetchMarkdown();
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
      await onSend(sent, attachments.ids);
      attachments.clear();
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

  /** Files become files, and so does a text that is too long for a message. */
  function handlePaste(event: ClipboardEvent): void {
    const { files } = event.clipboardData;
    const pasted = event.clipboardData.getData('text/plain');
    if (files.length > 0) attachments.add(files);
    else if (pasted.length > longestMessage) attachments.add([new File([pasted], `${t('files.pasted')}.txt`)]);
    else return;
    event.preventDefault();
  }

  function handleDrag(event: DragEvent): void {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    setDropping(event.type === 'dragover');
    if (event.type === 'drop') attachments.add(event.dataTransfer.files);
  }

  return (
    <form
      onDragOver={handleDrag}
      onDragLeave={handleDrag}
      onDrop={handleDrag}
      className="mx-auto w-full max-w-3xl px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-5"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div
        className={classNames(
          'relative rounded-[1.4rem] border bg-surface shadow-float transition-colors focus-within:border-line-strong',
          dropping ? 'border-accent' : 'border-line',
        )}
      >
        {dropping && (
          <p className="pointer-events-none absolute inset-0 z-1 flex items-center justify-center rounded-[1.4rem] bg-accent-soft font-medium text-accent">
            {t('files.drop')}
          </p>
        )}
        <AttachmentList attachments={attachments} />
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
          onPaste={handlePaste}
          className="block w-full resize-none bg-transparent px-5 pt-3.5 pb-1 text-base leading-relaxed outline-none placeholder:text-muted"
        />
        <div className="flex items-center gap-2 px-2.5 pb-2.5">
          <span className="flex">
            <IconButton label={t('files.add')} side="top" onClick={() => picker.current?.click()}>
              <Paperclip size={18} aria-hidden />
            </IconButton>
            <SettingsDrawer />
          </span>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            tabIndex={-1}
            aria-label={t('files.add')}
            onChange={(event) => {
              attachments.add(event.target.files ?? []);
              event.target.value = '';
              field.current?.focus();
            }}
          />
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
