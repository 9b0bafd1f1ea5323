/** Writing a conversation, both sides of it: turns alternate, and the assistant has the last word. */
import type { DemonstrateContent, Task } from '@parley/contracts';
import { Plus, Trash2 } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Markdown } from '../chat/markdown.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { inputClass } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Key, type TaskFormProps, useTaskKeys, WorkBar } from './task-form.tsx';

type Turn = DemonstrateContent['messages'][number];

/** What is given, and an empty turn to go on with. */
export function initialConversation({ prompt }: Task): DemonstrateContent {
  const given = prompt.filter((message): message is Turn => message.role !== 'system');
  return { kind: 'demonstrate', messages: completed(given) };
}

/** Ends with an assistant's turn, empty if need be. */
function completed(messages: readonly Turn[]): Turn[] {
  const turns = messages.length === 0 ? [{ role: 'user' as const, content: '' }] : [...messages];
  return turns.at(-1)?.role === 'user' ? [...turns, { role: 'assistant', content: '' }] : turns;
}

export function DemonstrateTask({ task, work, busy, error, onSubmit, onSkip }: TaskFormProps<DemonstrateContent>) {
  const { t } = useTranslation();
  const [reviewing, setReviewing] = useState(false);
  const fields = useRef(new Map<number, HTMLTextAreaElement>());
  const submit = useRef<HTMLButtonElement>(null);
  const { messages } = work.content;
  const given = task.prompt.length;
  const complete = messages.every(({ content }) => content.trim() !== '');

  // The fields go when it is reviewed, and with them the focus.
  useEffect(() => {
    if (reviewing) submit.current?.focus();
    else fields.current.get(given)?.focus();
  }, [given, reviewing]);

  const setMessages = (turns: Turn[]) => work.change({ ...work.content, messages: turns });
  const write = (at: number, content: string) =>
    setMessages(messages.map((turn, index) => (index === at ? { ...turn, content } : turn)));

  function goOn(): void {
    if (reviewing)
      onSubmit({ ...work.content, messages: messages.map((turn) => ({ ...turn, content: turn.content.trim() })) });
    else if (complete) setReviewing(true);
    else fields.current.get(messages.findIndex(({ content }) => content.trim() === ''))?.focus();
  }
  useTaskKeys({ Enter: goOn, Escape: () => setReviewing(false), Backspace: onSkip });

  const mismatched = messages.findIndex(
    ({ role, content }, index) =>
      role === 'assistant' &&
      content.trim().length > 8 &&
      isChinese(content) !== isChinese(messages[index - 1]?.content ?? ''),
  );

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          goOn();
        }
      }}
    >
      {reviewing && <h2 className="font-serif text-xl">{t('work.reviewTitle')}</h2>}
      <ol className="flex flex-col gap-4">
        {messages.map((turn, index) => (
          // Turns keep their places.
          <li key={index}>
            <TurnField
              turn={turn}
              fixed={reviewing || index < given}
              ref={(field) => {
                if (field) fields.current.set(index, field);
                else fields.current.delete(index);
              }}
              onChange={(content) => write(index, content)}
            />
          </li>
        ))}
      </ol>
      {mismatched >= 0 && <Notice tone="warning">{t('demonstrate.otherLanguage')}</Notice>}
      {!reviewing && (
        <div className="flex flex-wrap gap-2">
          <Button
            disabled={!complete || messages.length >= 40}
            onClick={() =>
              setMessages([...messages, { role: 'user', content: '' }, { role: 'assistant', content: '' }])
            }
          >
            <Plus size={16} aria-hidden /> {t('demonstrate.more')}
          </Button>
          {messages.length > Math.max(given + (given % 2), 2) && (
            <IconButton label={t('demonstrate.less')} onClick={() => setMessages(messages.slice(0, -2))}>
              <Trash2 size={16} aria-hidden />
            </IconButton>
          )}
        </div>
      )}
      <WorkBar work={work} onSkip={onSkip} busy={busy} error={error}>
        {reviewing && (
          <Button shape="quiet" onClick={() => setReviewing(false)}>
            {t('work.back')} <Key of="Esc" />
          </Button>
        )}
        <Button ref={submit} shape="primary" aria-disabled={!complete} disabled={busy} onClick={goOn}>
          {t(reviewing ? 'work.submit' : 'work.review')} <Key of="Ctrl ↵" />
        </Button>
      </WorkBar>
    </form>
  );
}

/** Whether a text is mainly Chinese; an English one may well quote some. */
function isChinese(text: string): boolean {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  return han * 3 >= (text.match(/\p{L}/gu)?.length ?? 0) && han > 0;
}

interface TurnFieldProps {
  turn: Turn;
  fixed: boolean;
  onChange: (content: string) => void;
  ref: React.Ref<HTMLTextAreaElement>;
}

function TurnField({ turn, fixed, onChange, ref }: TurnFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  const assistant = turn.role === 'assistant';
  return (
    <div className={classNames(!assistant && 'sm:pl-16')}>
      <label htmlFor={fixed ? undefined : id} className="mb-1.5 block text-sm font-medium text-muted">
        {t(`work.role.${turn.role}`)}
      </label>
      {fixed ? (
        <div className={classNames('rounded-2xl px-4 py-3', assistant ? 'border border-line bg-surface' : 'bg-bubble')}>
          <Markdown text={turn.content} headingLevel={2} />
        </div>
      ) : (
        <textarea
          ref={ref}
          id={id}
          rows={assistant ? 5 : 2}
          maxLength={32_000}
          value={turn.content}
          placeholder={t(assistant ? 'demonstrate.answerHere' : 'demonstrate.askHere')}
          onChange={(event) => onChange(event.target.value)}
          className={`${inputClass} resize-y leading-relaxed`}
        />
      )}
    </div>
  );
}
