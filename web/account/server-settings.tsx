import type { Settings } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changeSettings, settingsQuery } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Checkbox, Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { refusalText } from './refusal-text.ts';

export function ServerSettings() {
  const { t } = useTranslation();
  const { data: settings, error } = useQuery(settingsQuery);
  if (error) return <Notice tone="danger">{refusalText(t, error)}</Notice>;
  return settings ? <SettingsForm stored={settings} /> : null;
}

function SettingsForm({ stored }: { stored: Settings }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [settings, setSettings] = useState(stored);
  const saving = useMutation({
    mutationFn: () => changeSettings(settings),
    onSuccess: (saved) => client.setQueryData(settingsQuery.queryKey, saved),
  });
  const change = (part: Partial<Settings>) => {
    saving.reset();
    setSettings({ ...settings, ...part });
  };
  const limit = (name: 'tokensPerDay' | 'requestsPerMinute' | 'draftsEvery') => ({
    type: 'number',
    min: 0,
    step: 1,
    required: true,
    value: settings[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) =>
      change({ [name]: event.currentTarget.valueAsNumber || 0 }),
    className: 'max-w-sm',
  });
  return (
    <form
      className="mt-6 flex flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Checkbox
        label={t('serverSettings.registration')}
        help={t('serverSettings.registrationHelp')}
        checked={settings.registration === 'open'}
        onChange={(open) => change({ registration: open ? 'open' : 'closed' })}
      />
      <Checkbox
        label={t('serverSettings.localApi')}
        help={t('serverSettings.localApiHelp')}
        checked={settings.openLocalApi}
        onChange={(openLocalApi) => change({ openLocalApi })}
      />
      <Field
        label={t('serverSettings.tokensPerDay')}
        help={t('serverSettings.tokensPerDayHelp')}
        {...limit('tokensPerDay')}
      />
      <Field
        label={t('serverSettings.requestsPerMinute')}
        help={t('serverSettings.requestsPerMinuteHelp')}
        {...limit('requestsPerMinute')}
      />
      <Field
        label={t('serverSettings.draftsEvery')}
        help={t('serverSettings.draftsEveryHelp')}
        {...limit('draftsEvery')}
      />
      {saving.error && <Notice tone="danger">{refusalText(t, saving.error)}</Notice>}
      {saving.isSuccess && <Notice tone="info">{t('serverSettings.saved')}</Notice>}
      <Button type="submit" shape="primary" disabled={saving.isPending} className="min-h-10 self-start">
        {t('app.save')}
      </Button>
    </form>
  );
}
