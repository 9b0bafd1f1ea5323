import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names.ts';

export const inputClass =
  'min-h-10 w-full rounded-xl border border-line-strong bg-surface px-3 py-1.5 outline-none transition-shadow focus-visible:ring-4 focus-visible:ring-accent-soft focus-visible:border-accent disabled:opacity-60 pointer-coarse:min-h-11';

interface FieldProps extends ComponentProps<'input'> {
  label: string;
  /** A line below that helps to fill it in. */
  help?: ReactNode;
}

/** A line of text with its label above. */
export function Field({ label, help, className, ...props }: FieldProps) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <input id={id} className={inputClass} aria-describedby={help ? `${id}-help` : undefined} {...props} />
      {help && (
        <p id={`${id}-help`} className="mt-1.5 text-sm leading-relaxed text-muted">
          {help}
        </p>
      )}
    </div>
  );
}

interface LongFieldProps extends Omit<ComponentProps<'textarea'>, 'onChange'> {
  label: string;
  help?: ReactNode;
  onChange: (value: string) => void;
}

/** A text of several lines with its label above. */
export function LongField({ label, help, onChange, className, ...props }: LongFieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <textarea
        id={id}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
        className={classNames(inputClass, 'resize-y leading-relaxed', className)}
        {...props}
      />
      {help && (
        <p id={`${id}-help`} className="mt-1.5 text-sm leading-relaxed text-muted">
          {help}
        </p>
      )}
    </div>
  );
}

/** The lines of a long field, without empty ones. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

interface ChoiceProps<Value extends string> extends Omit<ComponentProps<'select'>, 'value' | 'onChange'> {
  label: string;
  /** Leaves the label to screen readers where the place speaks for itself. */
  labelHidden?: boolean;
  value: Value;
  onChange: (value: Value) => void;
  options: readonly { value: Value; label: string }[];
}

/** One of a few values. */
export function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const { label, labelHidden = false, value, onChange, options, className, ...rest } = props;
  const id = useId();
  return (
    <div className={className}>
      <label
        htmlFor={id}
        className={labelHidden ? 'sr-only' : 'mb-1.5 block text-sm font-medium first-letter:uppercase'}
      >
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Value)}
        className={classNames(inputClass, 'cursor-pointer')}
        {...rest}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SwitchProps extends Omit<ComponentProps<'input'>, 'onChange'> {
  label: string;
  help?: ReactNode;
  onChange: (checked: boolean) => void;
}

/** Yes or no, with what it means beside it. */
export function Checkbox({ label, help, onChange, ...props }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-3">
      <input
        id={id}
        type="checkbox"
        onChange={(event) => onChange(event.currentTarget.checked)}
        aria-describedby={help ? `${id}-help` : undefined}
        className="mt-0.5 size-5 shrink-0 accent-accent pointer-coarse:size-6"
        {...props}
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {help && (
          <p id={`${id}-help`} className="mt-0.5 text-sm leading-relaxed text-muted">
            {help}
          </p>
        )}
      </div>
    </div>
  );
}
