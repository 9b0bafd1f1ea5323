import { type ApiScope, apiScopes, type NewApiKey } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createKey, keysQuery, revokeKey } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Checkbox, Choice, Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { refusalText } from './refusal-text.ts';
import { useTimeText } from './time-text.ts';

/** Keys by which programs use the account. */
export function ApiKeys() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: keys, error } = useQuery(keysQuery);
  const [created, setCreated] = useState<NewApiKey | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: keysQuery.queryKey });
  const revoking = useMutation({ mutationFn: revokeKey, onSettled: refresh });
  const failure = error ?? revoking.error;
  return (
    <Section title={t('keys.title')} description={t('keys.description')}>
      {failure && <Notice tone="danger">{refusalText(t, failure)}</Notice>}
      {created && <Secret created={created} />}
      <ul className="divide-y divide-line">
        {keys?.map((key) => (
          <KeyItem key={key.id} apiKey={key} onRevoke={() => revoking.mutate(key.id)} />
        ))}
      </ul>
      <NewKey
        onCreated={(key) => {
          setCreated(key);
          void refresh();
        }}
      />
    </Section>
  );
}

function KeyItem({ apiKey, onRevoke }: { apiKey: NewApiKey['key']; onRevoke: () => void }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const { name, ending, scopes, createdAt, lastUsedAt, expiresAt } = apiKey;
  const facts = [
    scopes.map((scope) => t(`keys.scope.${scope}`)).join(', '),
    t('keys.created', { time: timeText(createdAt) }),
    lastUsedAt === null ? t('keys.neverUsed') : t('keys.lastUsed', { time: timeText(lastUsedAt) }),
    expiresAt === null ? t('keys.noEnd') : t('keys.ends', { time: timeText(expiresAt) }),
  ];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 py-3">
      <div className="min-w-0 grow basis-60">
        <p className="font-medium wrap-anywhere">
          {name} <code className="ml-1 font-mono text-sm text-muted">parley-…{ending}</code>
        </p>
        <p className="text-sm text-muted">{facts.join(' · ')}</p>
      </div>
      <Button onClick={onRevoke} aria-label={t('keys.revokeNamed', { name })}>
        {t('keys.revoke')}
      </Button>
    </li>
  );
}

function Secret({ created }: { created: NewApiKey }) {
  const { t } = useTranslation();
  return (
    <div role="status" className="mb-4 rounded-xl bg-accent-soft p-4">
      <p className="text-sm leading-relaxed">{t('keys.shownOnce', { name: created.key.name })}</p>
      <div className="mt-2 flex items-center gap-2">
        <code className="min-w-0 grow rounded-lg bg-surface px-3 py-2 font-mono text-sm break-all">
          {created.secret}
        </code>
        <CopyButton text={() => created.secret} label={t('answer.copy')} />
      </div>
    </div>
  );
}

const lifetimes = ['30', '90', '365', 'never'] as const;

function NewKey({ onCreated }: { onCreated: (created: NewApiKey) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly ApiScope[]>(apiScopes);
  const [lifetime, setLifetime] = useState<(typeof lifetimes)[number]>('90');
  const creating = useMutation({
    mutationFn: () =>
      createKey({ name, scopes: [...scopes], expiresInDays: lifetime === 'never' ? null : Number(lifetime) }),
    onSuccess: (created) => {
      setName('');
      onCreated(created);
    },
  });
  return (
    <form
      className="mt-4 flex flex-col gap-4 rounded-2xl border border-line p-4"
      onSubmit={(event) => {
        event.preventDefault();
        creating.mutate();
      }}
    >
      <h3 className="font-medium">{t('keys.new')}</h3>
      <div className="flex flex-wrap gap-4">
        <Field
          label={t('keys.name')}
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          className="grow basis-56"
        />
        <Choice
          label={t('keys.lifetime')}
          value={lifetime}
          onChange={setLifetime}
          options={lifetimes.map((value) => ({
            value,
            label: value === 'never' ? t('keys.noEnd') : t('keys.days', { count: Number(value) }),
          }))}
          className="basis-40"
        />
      </div>
      <fieldset className="flex flex-wrap gap-x-6 gap-y-3">
        <legend className="mb-2 text-sm font-medium">{t('keys.scopes')}</legend>
        {apiScopes.map((scope) => (
          <Checkbox
            key={scope}
            label={t(`keys.scope.${scope}`)}
            checked={scopes.includes(scope)}
            onChange={(checked) =>
              setScopes(apiScopes.filter((one) => (one === scope ? checked : scopes.includes(one))))
            }
          />
        ))}
      </fieldset>
      {creating.error && <Notice tone="danger">{refusalText(t, creating.error)}</Notice>}
      <Button
        type="submit"
        shape="primary"
        disabled={creating.isPending || scopes.length === 0}
        className="min-h-10 self-start"
      >
        {t('keys.create')}
      </Button>
    </form>
  );
}
