/** One's own account: who one is, how one comes in, which programs may, and leaving. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changePassword, deleteAccount, profileQuery, renameAccount, sessionQuery } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section, SettingsPage } from '../ui/settings-page.tsx';
import { ApiKeys } from './api-keys.tsx';
import { OwnSessions } from './own-sessions.tsx';
import { refusalText } from './refusal-text.ts';
import { CurrentPasswordField, NewPasswordField } from './sign-in.tsx';

export function AccountPage() {
  const { t } = useTranslation();
  return (
    <SettingsPage title={t('account.title')}>
      <Profile />
      <Password />
      <OwnSessions />
      <ApiKeys />
      <Section title={t('account.export')} description={t('account.exportHelp')}>
        <a
          href="/api/account/export"
          download="parley-export.json"
          className="inline-flex min-h-10 items-center gap-2 rounded-xl border border-line bg-surface px-3.5 text-sm font-medium hover:bg-hover pointer-coarse:min-h-11"
        >
          <Download size={16} aria-hidden /> {t('account.exportAction')}
        </a>
      </Section>
      <Deletion />
    </SettingsPage>
  );
}

function Profile() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { data: profile } = useQuery(profileQuery);
  const [name, setName] = useState('');
  useEffect(() => setName(profile?.name ?? ''), [profile?.name]);
  const renaming = useMutation({
    mutationFn: () => renameAccount(name),
    onSuccess: (changed) => {
      client.setQueryData(profileQuery.queryKey, changed);
      return client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  if (!profile) return null;
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <Section title={t('account.profile')}>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          renaming.mutate();
        }}
      >
        <Field
          label={t('register.name')}
          autoComplete="name"
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          className="grow basis-60"
        />
        <Button type="submit" disabled={renaming.isPending || name.trim() === profile.name} className="min-h-10">
          {t('app.save')}
        </Button>
      </form>
      {renaming.error && <Notice tone="danger">{refusalText(t, renaming.error)}</Notice>}
      <dl className="mt-5 grid grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
        <dt className="text-muted">{t('signIn.email')}</dt>
        <dd className="wrap-anywhere">{profile.email}</dd>
        <dt className="text-muted">{t('account.role')}</dt>
        <dd>{t(`role.${profile.role}`)}</dd>
        <dt className="text-muted">{t('account.tokens')}</dt>
        <dd>
          {profile.tokensPerDay === 0
            ? number.format(profile.tokensToday)
            : t('account.tokensOf', {
                used: number.format(profile.tokensToday),
                limit: number.format(profile.tokensPerDay),
              })}
        </dd>
      </dl>
    </Section>
  );
}

function Password() {
  const { t } = useTranslation();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const client = useQueryClient();
  const changing = useMutation({
    mutationFn: () => changePassword({ current, next }),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      return client.invalidateQueries({ queryKey: profileQuery.queryKey });
    },
  });
  return (
    <Section title={t('account.password')} description={t('account.passwordHelp')}>
      <form
        className="flex max-w-sm flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          changing.mutate();
        }}
      >
        <CurrentPasswordField label={t('account.currentPassword')} value={current} onChange={setCurrent} />
        <NewPasswordField label={t('account.newPassword')} value={next} onChange={setNext} />
        {changing.error && <Notice tone="danger">{refusalText(t, changing.error)}</Notice>}
        {changing.isSuccess && <Notice tone="info">{t('account.passwordChanged')}</Notice>}
        <Button type="submit" disabled={changing.isPending} className="min-h-10 self-start">
          {t('account.passwordAction')}
        </Button>
      </form>
    </Section>
  );
}

function Deletion() {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const deleting = useMutation({
    mutationFn: () => deleteAccount(password),
    onSuccess: () => location.assign('/'),
  });
  return (
    <Section title={t('account.delete')} description={t('account.deleteHelp')}>
      <form
        className="flex max-w-sm flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          deleting.mutate();
        }}
      >
        <CurrentPasswordField label={t('account.confirmPassword')} value={password} onChange={setPassword} />
        {deleting.error && <Notice tone="danger">{refusalText(t, deleting.error)}</Notice>}
        <Button type="submit" shape="danger" disabled={deleting.isPending} className="min-h-10 self-start">
          {t('account.deleteAction')}
        </Button>
      </form>
    </Section>
  );
}
