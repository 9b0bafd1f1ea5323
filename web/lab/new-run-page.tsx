import { type LabInputs, type LabRecipe, labRecipeSchema, quickSettings } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { createJob, inputsQuery, jobsQuery } from './api.ts';
import { Heading } from './lab-page.tsx';
import { RecipeFieldInput } from './recipe-field-input.tsx';
import { type FieldValues, fieldsOf, isRequired, type RecipeField, settingsOf, startValues } from './recipe-fields.ts';

const recipes = labRecipeSchema.options;
const first: LabRecipe = 'snapshot';

/** A form made of a recipe's schema: what it needs, then everything that it lets one set. */
export function NewRunPage() {
  const { t } = useTranslation();
  const { data: inputs, error } = useQuery(inputsQuery);
  const { data: jobs } = useQuery(jobsQuery);
  return (
    <>
      <Heading title={t('lab.newRun')} />
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {inputs && jobs && <RunForm inputs={inputs} taken={jobs.map(({ name }) => name)} />}
    </>
  );
}

function RunForm({ inputs, taken }: { inputs: LabInputs; taken: string[] }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [recipe, setRecipe] = useState<LabRecipe>(first);
  const [quick, setQuick] = useState(true);
  const [name, setName] = useState(() => freeName(first, taken));
  const [values, setValues] = useState<FieldValues>(() => withInputs(first, startValues(first, true), inputs));
  const starting = useMutation({
    mutationFn: () => createJob({ recipe, name, settings: settingsOf(recipe, values) }),
    onSuccess: async (job) => {
      await client.invalidateQueries({ queryKey: ['lab'] });
      await navigate({ to: '/lab/runs/$jobId', params: { jobId: job.id } });
    },
  });
  const choose = (next: LabRecipe, nextQuick: boolean) => {
    starting.reset();
    setRecipe(next);
    setQuick(nextQuick);
    if (next !== recipe) setName(freeName(next, taken));
    setValues(withInputs(next, startValues(next, nextQuick), inputs));
  };
  const set = (field: RecipeField, value: string | boolean) => setValues({ ...values, [field.name]: value });

  const fields = fieldsOf(recipe);
  const needed = fields.filter(isRequired);
  const offered = fields.filter((field) => !isRequired(field) && field.options.length === 0 && isInput(field));
  const rest = fields.filter((field) => !needed.includes(field) && !offered.includes(field));
  return (
    <form
      className="mt-5 flex max-w-3xl flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        starting.mutate();
      }}
    >
      <div className="grid gap-5 sm:grid-cols-2">
        <Choice
          label={t('lab.recipeLabel')}
          value={recipe}
          onChange={(next) => choose(next, quick)}
          options={recipes.map((value) => ({ value, label: t(`labRecipe.${value}`) }))}
        />
        <Field
          label={t('lab.nameLabel')}
          help={t('lab.nameHelp')}
          required
          maxLength={64}
          pattern="[\p{L}\p{N}][\p{L}\p{N}._\-]*"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <p className="max-w-2xl leading-relaxed text-muted">{t(`labRecipeHelp.${recipe}`)}</p>
      {recipe in quickSettings && (
        <Choice
          label={t('lab.sizeLabel')}
          value={quick ? 'quick' : 'full'}
          onChange={(size) => choose(recipe, size === 'quick')}
          options={[
            { value: 'quick', label: t('lab.sizeQuick') },
            { value: 'full', label: t('lab.sizeFull') },
          ]}
          className="max-w-md"
        />
      )}
      <FieldList fields={[...needed, ...offered]} values={values} onChange={set} inputs={inputs} />
      {rest.length > 0 && (
        <details className="rounded-2xl border border-line p-4">
          <summary className="cursor-pointer font-medium">{t('lab.allSettings', { count: rest.length })}</summary>
          <div className="mt-4">
            <FieldList fields={rest} values={values} onChange={set} inputs={inputs} />
          </div>
        </details>
      )}
      {starting.error && <Notice tone="danger">{errorText(t, starting.error)}</Notice>}
      <Button type="submit" shape="primary" disabled={starting.isPending} className="min-h-10 self-start">
        {t('lab.start')}
      </Button>
    </form>
  );
}

interface FieldListProps {
  fields: readonly RecipeField[];
  values: FieldValues;
  onChange: (field: RecipeField, value: string | boolean) => void;
  inputs: LabInputs;
}

function FieldList({ fields, values, onChange, inputs }: FieldListProps) {
  if (fields.length === 0) return null;
  return (
    <div className="grid items-start gap-5 sm:grid-cols-2">
      {fields.map((field) => (
        <RecipeFieldInput
          key={field.name}
          field={field}
          value={values[field.name] ?? ''}
          onChange={(value) => onChange(field, value)}
          inputs={inputs}
        />
      ))}
    </div>
  );
}

const isInput = ({ kind }: RecipeField) => !['number', 'integer', 'boolean', 'choice', 'text'].includes(kind);

/** What must be chosen begins with the newest that there is. */
function withInputs(recipe: LabRecipe, values: FieldValues, inputs: LabInputs): FieldValues {
  const chats = inputs.models.filter(({ stage }) => stage !== 'reward');
  const newest: Partial<Record<RecipeField['kind'], string>> = {
    model: chats[0] && `model:${chats[0].id}`,
    preferences: inputs.snapshots[0] && `snapshot:${inputs.snapshots[0].name}`,
    prompts: inputs.snapshots[0] && `snapshot:${inputs.snapshots[0].name}`,
    data: inputs.data[0] && `data:${inputs.data[0]}`,
  };
  const reward = inputs.models.find(({ stage }) => stage === 'reward');
  const filled = { ...values };
  for (const field of fieldsOf(recipe).filter(isRequired)) filled[field.name] = newest[field.kind] ?? '';
  if ('rewardModel' in filled && reward) filled.rewardModel = `model:${reward.id}`;
  return filled;
}

/** 'ppo-1', 'ppo-2' and so on. */
function freeName(recipe: LabRecipe, taken: readonly string[]): string {
  let number = 1;
  while (taken.includes(`${recipe}-${number}`)) number++;
  return `${recipe}-${number}`;
}
