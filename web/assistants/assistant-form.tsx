import {
  type Assistant,
  type AssistantRequest,
  type AssistantVisibility,
  longestInstructions,
  mostExampleQuestions,
} from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { statusQuery } from '../api/queries.ts';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field, LongField, linesOf } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { modelChoicesQuery, putAssistant, saveAssistant } from './api.ts';

interface AssistantFormProps {
  /** Null: a new one. */
  assistant: Assistant | null;
  onSaved: (assistant: Assistant) => void;
}

export function AssistantForm({ assistant, onSaved }: AssistantFormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(assistant?.name ?? '');
  const [instructions, setInstructions] = useState(assistant?.instructions ?? '');
  const [questions, setQuestions] = useState((assistant?.exampleQuestions ?? []).join('\n'));
  const [model, setModel] = useState(assistant?.model ?? '');
  const [visibility, setVisibility] = useState<AssistantVisibility>(assistant?.visibility ?? 'private');
  const { data: models = [] } = useQuery(modelChoicesQuery);
  const saving = useMutation({
    mutationFn: (body: AssistantRequest) => saveAssistant(assistant?.id ?? null, body),
    onSuccess: (saved) => {
      putAssistant(client, saved);
      onSaved(saved);
    },
  });
  // One that was chosen and is not registered any more is still named.
  const choices = new Set([...models.map(({ id }) => id), ...(model === '' ? [] : [model])]);

  return (
    <form
      className="mt-6 flex max-w-2xl flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate({
          name,
          instructions,
          exampleQuestions: linesOf(questions).slice(0, mostExampleQuestions),
          model: model === '' ? null : model,
          visibility,
        });
      }}
    >
      <Field
        label={t('assistants.name')}
        required
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <LongField
        label={t('assistants.instructions')}
        help={<InstructionsHelp instructions={instructions} />}
        rows={5}
        maxLength={longestInstructions}
        value={instructions}
        onChange={setInstructions}
      />
      <LongField
        label={t('assistants.examples')}
        help={t('assistants.examplesHelp', { count: mostExampleQuestions })}
        rows={3}
        value={questions}
        onChange={setQuestions}
      />
      <Choice
        label={t('assistants.model')}
        value={model}
        onChange={setModel}
        options={[
          { value: '', label: t('assistants.deployedModel') },
          ...[...choices].map((id) => ({ value: id, label: id })),
        ]}
      />
      <Choice
        label={t('assistants.visibility')}
        value={visibility}
        onChange={setVisibility}
        options={[
          { value: 'private', label: t('assistants.private') },
          { value: 'installation', label: t('assistants.installation') },
        ]}
      />
      {saving.error && <Notice tone="danger">{errorText(t, saving.error)}</Notice>}
      {saving.isSuccess && <Notice tone="info">{t('assistants.saved')}</Notice>}
      <Button type="submit" shape="primary" disabled={saving.isPending || name.trim() === ''} className="self-start">
        {t(assistant ? 'app.save' : 'assistants.create')}
      </Button>
    </form>
  );
}

/** Every token of the instructions is one that passages and answers do not get. */
function InstructionsHelp({ instructions }: { instructions: string }) {
  const { t } = useTranslation();
  const { data: status } = useQuery(statusQuery);
  const tokens = estimatedTokens(instructions);
  const context = status?.model.context ?? 0;
  return (
    <>
      {t('assistants.instructionsHelp')}
      {context > 0 && tokens > 0 && ` ${t('assistants.instructionsSize', { tokens, limit: context })}`}
      {context > 0 && tokens > context / 3 && (
        <span className="mt-1 block text-amber">{t('assistants.instructionsLong')}</span>
      )}
    </>
  );
}

/** A rough count, good enough to warn: a Chinese character is nearly a token, of other scripts four are one. */
function estimatedTokens(text: string): number {
  const wide = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0;
  return wide + Math.ceil((text.length - wide) / 4);
}
