import { Plus, Trash2 } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { Checkbox, Choice, inputClass } from '../ui/field.tsx';
import type { Playground, Turn } from './playground-state.ts';

interface EditorProps {
  state: Playground;
  onChange: (change: Partial<Playground>) => void;
}

/** Chat: instructions and turns, all of which can be edited. */
export function ConversationEditor({ state: { system, turns }, onChange }: EditorProps) {
  const { t } = useTranslation();
  const last = turns.at(-1)!;
  const next: Turn = { role: last.role === 'user' ? 'assistant' : 'user', content: '' };
  const setTurn = (index: number, change: Partial<Turn>) =>
    onChange({ turns: turns.map((turn, other) => (other === index ? { ...turn, ...change } : turn)) });
  return (
    <div className="flex flex-col gap-4">
      <Area
        label={t('playground.system')}
        placeholder={t('playground.systemPlaceholder')}
        value={system}
        onChange={(value) => onChange({ system: value })}
      />
      <ol className="flex flex-col gap-3">
        {turns.map((turn, index) => (
          <li key={index} className="rounded-xl border border-line bg-surface p-3">
            <div className="mb-2 flex items-center justify-between gap-2">
              <Choice
                label={t('playground.role', { number: index + 1 })}
                labelHidden
                value={turn.role}
                onChange={(role) => setTurn(index, { role })}
                options={[
                  { value: 'user', label: t('playground.user') },
                  { value: 'assistant', label: t('playground.assistant') },
                ]}
                className="w-36 text-sm"
              />
              <IconButton
                label={t('playground.removeTurn', { number: index + 1 })}
                size="small"
                disabled={turns.length === 1}
                onClick={() => onChange({ turns: turns.filter((_, other) => other !== index) })}
              >
                <Trash2 size={16} aria-hidden />
              </IconButton>
            </div>
            <Area
              label={t('playground.turn', { number: index + 1 })}
              labelHidden
              placeholder={turn.role === 'user' ? t('playground.userPlaceholder') : undefined}
              value={turn.content}
              onChange={(content) => setTurn(index, { content })}
            />
          </li>
        ))}
      </ol>
      <Button className="self-start" onClick={() => onChange({ turns: [...turns, next] })}>
        <Plus size={16} aria-hidden /> {t('playground.addTurn')}
      </Button>
    </div>
  );
}

/** Raw completion: a text as the model sees it. */
export function TextEditor({ state: { prompt, scorePrompt }, onChange }: EditorProps) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-4">
      <Area
        label={t('playground.prompt')}
        help={t('playground.promptHelp')}
        placeholder={t('playground.promptPlaceholder')}
        tall
        value={prompt}
        onChange={(value) => onChange({ prompt: value })}
      />
      <Checkbox
        label={t('playground.scorePrompt')}
        checked={scorePrompt}
        onChange={(checked) => onChange({ scorePrompt: checked })}
      />
    </div>
  );
}

interface AreaProps {
  label: string;
  labelHidden?: boolean;
  help?: string;
  placeholder?: string;
  tall?: boolean;
  value: string;
  onChange: (value: string) => void;
}

function Area({ label, labelHidden = false, help, placeholder, tall = false, value, onChange }: AreaProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className={labelHidden ? 'sr-only' : 'mb-1.5 block text-sm font-medium'}>
        {label}
      </label>
      <textarea
        id={id}
        rows={tall ? 8 : 2}
        value={value}
        placeholder={placeholder}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
        className={classNames(
          inputClass,
          'field-sizing-content max-h-96 resize-y leading-relaxed',
          tall && 'min-h-40! font-mono text-sm',
        )}
      />
      {help && (
        <p id={`${id}-help`} className="mt-1.5 text-sm leading-relaxed text-muted">
          {help}
        </p>
      )}
    </div>
  );
}
