/** One setting of a recipe: a picker for what the Lab has, a number, a choice or a switch. */
import type { LabInputs } from '@parley/contracts';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Checkbox, Choice, Field } from '../ui/field.tsx';
import { useFieldHelp } from './field-help.ts';
import { isRequired, type RecipeField } from './recipe-fields.ts';

interface RecipeFieldInputProps {
  field: RecipeField;
  value: string | boolean;
  onChange: (value: string | boolean) => void;
  inputs: LabInputs;
}

export function RecipeFieldInput({ field, value, onChange, inputs }: RecipeFieldInputProps) {
  const { t } = useTranslation();
  const { label, help } = useFieldHelp(field);
  const { kind, min, max } = field;
  if (kind === 'boolean') {
    return <Checkbox label={label} help={help} checked={value === true} onChange={onChange} />;
  }
  if (kind === 'number' || kind === 'integer') {
    return (
      <Field
        label={label}
        help={help}
        type="number"
        inputMode="decimal"
        required
        step={kind === 'integer' ? 1 : 'any'}
        min={min}
        max={max}
        value={String(value)}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  if (kind === 'text') {
    return (
      <Field
        label={label}
        help={help}
        value={String(value)}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  const options =
    kind === 'choice' ? field.options.map((name) => ({ value: name, label: name })) : pick(t, kind, inputs);
  const empty = { value: '', label: t(isRequired(field) ? 'lab.choose' : 'lab.none') };
  return (
    <div>
      <Choice
        label={label}
        value={String(value)}
        onChange={onChange}
        required={isRequired(field)}
        options={kind === 'choice' ? options : [empty, ...options]}
      />
      <p className="mt-1.5 text-sm leading-relaxed text-muted">{help}</p>
      {options.length === 0 && <p className="mt-1 text-sm text-amber">{t(`labMissing.${kind}`)}</p>}
    </div>
  );
}

/** The text of a snapshot's option says what is in it. */
function pick(t: TFunction, kind: string, { models, snapshots, data }: LabInputs): { value: string; label: string }[] {
  const ofModels = (reward: boolean) =>
    models
      .filter(({ stage }) => (stage === 'reward') === reward)
      .map(({ id, stage }) => ({ value: `model:${id}`, label: `${id} (${t(`labStage.${stage}`)})` }));
  const ofSnapshots = snapshots.map(({ name, lines }) => {
    const kinds = (Object.keys(lines) as (keyof typeof lines)[]).filter((kind) => lines[kind] > 0);
    const said = kinds.map((kind) => t(`snapshotLines.${kind}`, { count: lines[kind] })).join(' · ');
    return { value: `snapshot:${name}`, label: `${name} (${said})` };
  });
  const ofData = data.map((name) => ({ value: `data:${name}`, label: name }));
  if (kind === 'model') return ofModels(false);
  if (kind === 'rewardModel') return ofModels(true);
  if (kind === 'preferences') return [...ofSnapshots, ...ofData.filter(({ label }) => label.endsWith('.jsonl'))];
  return [...ofData, ...ofSnapshots];
}
