import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { inputClass } from '../ui/field.tsx';
import type { Parameters as Values } from './playground-state.ts';

type Name = keyof Omit<Values, 'stop'>;

interface Range {
  name: Name;
  min: number;
  max: number;
  step: number;
  /** Where the slider stands while the server decides. */
  usual: number;
}

const ranges: readonly Range[] = [
  { name: 'temperature', min: 0, max: 2, step: 0.05, usual: 0.8 },
  { name: 'top_p', min: 0.05, max: 1, step: 0.05, usual: 1 },
  { name: 'top_k', min: 0, max: 100, step: 1, usual: 0 },
  { name: 'min_p', min: 0, max: 1, step: 0.01, usual: 0 },
  { name: 'presence_penalty', min: -2, max: 2, step: 0.1, usual: 0 },
  { name: 'frequency_penalty', min: -2, max: 2, step: 0.1, usual: 0 },
  { name: 'repetition_penalty', min: 1, max: 2, step: 0.05, usual: 1 },
];

interface ParametersProps {
  values: Values;
  onChange: (values: Values) => void;
  /** Tokens: no answer is longer. */
  context: number;
}

/** What a request may say about how its tokens are drawn. An empty field leaves it to the server. */
export function Parameters({ values, onChange, context }: ParametersProps) {
  const { t } = useTranslation();
  const set = (name: Name, value: number | undefined) => {
    const { [name]: _, ...others } = values;
    onChange(value === undefined ? others : { ...others, [name]: value });
  };
  return (
    <div className="flex flex-col gap-5">
      <NumberField name="max_tokens" min={1} max={context} step={1} values={values} onSet={set} />
      {ranges.map((range) => (
        <RangeField key={range.name} {...range} values={values} onSet={set} />
      ))}
      <NumberField name="seed" min={0} max={2 ** 31 - 1} step={1} values={values} onSet={set} />
      <StopField
        stop={values.stop ?? []}
        onChange={(stop) => {
          const { stop: _, ...others } = values;
          onChange(stop.length === 0 ? others : { ...others, stop });
        }}
      />
      <Button className="self-start" disabled={Object.keys(values).length === 0} onClick={() => onChange({})}>
        {t('playground.reset')}
      </Button>
    </div>
  );
}

interface NumberFieldProps extends Pick<Range, 'name' | 'min' | 'max' | 'step'> {
  values: Values;
  onSet: (name: Name, value: number | undefined) => void;
}

function NumberField({ name, min, max, step, values, onSet }: NumberFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="flex items-center justify-between gap-3">
      <label htmlFor={id} className="text-sm font-medium">
        {t(`playground.parameter.${name}`)}
      </label>
      <NumberInput id={id} value={values[name]} {...{ min, max, step }} onChange={(value) => onSet(name, value)} />
    </div>
  );
}

function RangeField({ name, min, max, step, usual, values, onSet }: Range & NumberFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  const value = values[name];
  return (
    <div>
      <div className="flex items-center justify-between gap-3">
        <label htmlFor={id} className="text-sm font-medium">
          {t(`playground.parameter.${name}`)}
        </label>
        <NumberInput id={id} value={value} {...{ min, max, step }} onChange={(next) => onSet(name, next)} />
      </div>
      <input
        type="range"
        aria-label={t(`playground.parameter.${name}`)}
        {...{ min, max, step }}
        value={value ?? usual}
        onChange={(event) => onSet(name, event.currentTarget.valueAsNumber)}
        className={classNames('mt-1.5 w-full accent-accent pointer-coarse:h-9', value === undefined && 'opacity-60')}
      />
    </div>
  );
}

interface NumberInputProps {
  id: string;
  value: number | undefined;
  min: number;
  max: number;
  step: number;
  onChange: (value: number | undefined) => void;
}

/** Lets numbers be typed freely; what is not one in the range is not taken, and said to be wrong by the browser. */
function NumberInput({ id, value, min, max, step, onChange }: NumberInputProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      id={id}
      type="number"
      inputMode="decimal"
      {...{ min, max, step }}
      value={typed ?? value ?? ''}
      placeholder={t('playground.automatic')}
      onChange={({ currentTarget: field }) => {
        setTyped(field.value);
        if (field.value === '' && !field.validity.badInput) onChange(undefined);
        else if (field.valueAsNumber >= min && field.valueAsNumber <= max) onChange(field.valueAsNumber);
      }}
      onBlur={() => setTyped(null)}
      className={classNames(inputClass, 'w-28! text-right text-sm tabular-nums user-invalid:border-danger')}
    />
  );
}

function StopField({ stop, onChange }: { stop: string[]; onChange: (stop: string[]) => void }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="text-sm font-medium">
        {t('playground.parameter.stop')}
      </label>
      <textarea
        id={id}
        rows={2}
        value={stop.join('\n')}
        onChange={({ currentTarget: { value } }) => onChange(value === '' ? [] : value.split('\n').slice(0, 4))}
        aria-describedby={`${id}-help`}
        className={classNames(inputClass, 'mt-1.5 resize-y font-mono text-sm')}
      />
      <p id={`${id}-help`} className="mt-1 text-sm text-muted">
        {t('playground.stopHelp')}
      </p>
    </div>
  );
}
