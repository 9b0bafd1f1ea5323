/** Coming in: with an account, with a new one, or by asking for a new password. */
import { type Session, shortestPassword } from '@parley/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { askForPassword, register, sessionQuery, signIn } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Door } from './door.tsx';
import { refusalText } from './refusal-text.ts';

type Way = 'signIn' | 'register' | 'forgotten';

export function SignIn({ session }: { session: Session }) {
  const [way, setWay] = useState<Way>(session.setup ? 'register' : 'signIn');
  if (way === 'register') return <Register session={session} onLeave={setWay} />;
  if (way === 'forgotten') return <Forgotten session={session} onLeave={setWay} />;
  return <WithAccount session={session} onLeave={setWay} />;
}

interface WayProps {
  session: Session;
  onLeave: (way: Way) => void;
}

function WithAccount({ session, onLeave }: WayProps) {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const entering = useEntering(() => signIn({ email, password }));
  return (
    <Door title={t('signIn.title')} description={t('signIn.description')} onSubmit={entering.mutate}>
      <EmailField value={email} onChange={setEmail} />
      <CurrentPasswordField label={t('signIn.password')} value={password} onChange={setPassword} />
      {entering.error && <Notice tone="danger">{refusalText(t, entering.error)}</Notice>}
      <Button type="submit" shape="primary" disabled={entering.isPending} className="min-h-10">
        {t('signIn.action')}
      </Button>
      <div className="flex flex-wrap justify-between gap-2 text-sm">
        <Turn onClick={() => onLeave('forgotten')}>{t('signIn.forgotten')}</Turn>
        {session.registration === 'open' && <Turn onClick={() => onLeave('register')}>{t('signIn.newAccount')}</Turn>}
      </div>
    </Door>
  );
}

function Register({ session, onLeave }: WayProps) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const entering = useEntering(() => register({ name, email, password }));
  const first = session.setup;
  return (
    <Door
      title={t(first ? 'register.firstTitle' : 'register.title')}
      description={t(first ? 'register.firstDescription' : 'register.description')}
      onSubmit={entering.mutate}
    >
      <Field
        label={t('register.name')}
        autoComplete="name"
        required
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <EmailField value={email} onChange={setEmail} />
      <NewPasswordField value={password} onChange={setPassword} />
      {entering.error && <Notice tone="danger">{refusalText(t, entering.error)}</Notice>}
      <Button type="submit" shape="primary" disabled={entering.isPending} className="min-h-10">
        {t('register.action')}
      </Button>
      {!first && (
        <div className="text-sm">
          <Turn onClick={() => onLeave('signIn')}>{t('register.haveAccount')}</Turn>
        </div>
      )}
    </Door>
  );
}

function Forgotten({ session, onLeave }: WayProps) {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const asking = useMutation({ mutationFn: () => askForPassword(email) });
  return (
    <Door
      title={t('forgotten.title')}
      description={t(session.mail ? 'forgotten.byMail' : 'forgotten.byAdministrator')}
      onSubmit={asking.mutate}
    >
      <EmailField value={email} onChange={setEmail} />
      {asking.error && <Notice tone="danger">{refusalText(t, asking.error)}</Notice>}
      {asking.isSuccess && <Notice tone="info">{t(session.mail ? 'forgotten.mailed' : 'forgotten.noted')}</Notice>}
      <Button type="submit" shape="primary" disabled={asking.isPending} className="min-h-10">
        {t('forgotten.action')}
      </Button>
      <div className="text-sm">
        <Turn onClick={() => onLeave('signIn')}>{t('forgotten.back')}</Turn>
      </div>
    </Door>
  );
}

function useEntering(enter: () => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: enter,
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
}

function EmailField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  return (
    <Field
      label={t('signIn.email')}
      type="email"
      autoComplete="username"
      required
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface CurrentPasswordFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

export function CurrentPasswordField({ label, value, onChange }: CurrentPasswordFieldProps) {
  return (
    <Field
      label={label}
      type="password"
      autoComplete="current-password"
      required
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface NewPasswordFieldProps {
  label?: string;
  value: string;
  onChange: (value: string) => void;
}

export function NewPasswordField({ label, value, onChange }: NewPasswordFieldProps) {
  const { t } = useTranslation();
  return (
    <Field
      label={label ?? t('signIn.password')}
      help={t('register.passwordHelp', { count: shortestPassword })}
      type="password"
      autoComplete="new-password"
      required
      minLength={shortestPassword}
      maxLength={256}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function Turn({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <button type="button" onClick={onClick} className="rounded-md py-1 text-accent underline-offset-4 hover:underline">
      {children}
    </button>
  );
}
