import { type AccountRole, type AdministeredAccount, accountRoles, type PasswordLink } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Ellipsis } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { accountsQuery, changeAccount, deleteAccountOf, invite, makePasswordLink } from '../api/accounts.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { Notice } from '../ui/notice.tsx';
import { refusalText } from './refusal-text.ts';
import { useSession } from './session.tsx';
import { useTimeText } from './time-text.ts';

interface NamedLink {
  name: string;
  link: PasswordLink;
}

/** Everybody with an account, what they may do, and letting more people in. */
export function People() {
  const { t } = useTranslation();
  const { data: accounts, error } = useQuery(accountsQuery);
  const [link, setLink] = useState<NamedLink | null>(null);
  return (
    <div className="mt-6">
      {error && <Notice tone="danger">{refusalText(t, error)}</Notice>}
      {link && <LinkNotice {...link} />}
      <ul className="divide-y divide-line">
        {accounts?.map((account) => (
          <Person key={account.id} account={account} onLink={setLink} />
        ))}
      </ul>
      <Invitation onLink={setLink} />
    </div>
  );
}

function LinkNotice({ name, link }: NamedLink) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  return (
    <div role="status" className="mb-4 rounded-xl bg-accent-soft p-4">
      <p className="text-sm leading-relaxed">{t('people.link', { name, time: timeText(link.expiresAt) })}</p>
      <div className="mt-2 flex items-center gap-2">
        <code className="min-w-0 grow rounded-lg bg-surface px-3 py-2 font-mono text-sm break-all">{link.url}</code>
        <CopyButton text={() => link.url} label={t('answer.copy')} />
      </div>
    </div>
  );
}

function useAccountChange<Input>(change: (input: Input) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: ['administration'] }),
  });
}

function Person({ account, onLink }: { account: AdministeredAccount; onLink: (link: NamedLink) => void }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const own = useSession().id === account.id;
  const actions = useRef<HTMLButtonElement>(null);
  const [confirming, setConfirming] = useState(false);
  const changing = useAccountChange((change: { role?: AccountRole; disabled?: boolean }) =>
    changeAccount(account.id, change),
  );
  const linking = useAccountChange<void>(async () =>
    onLink({ name: account.name, link: await makePasswordLink(account.id) }),
  );
  const deleting = useAccountChange<void>(() => deleteAccountOf(account.id));
  const failure = changing.error ?? linking.error ?? deleting.error;
  const { name, email } = account;

  const states = [
    account.disabled && t('people.disabled'),
    !account.activated && t('people.invited'),
    account.resetAskedAt !== null && t('people.askedReset', { time: timeText(account.resetAskedAt) }),
    account.lastSeenAt !== null && t('people.seen', { time: timeText(account.lastSeenAt) }),
  ].filter((state) => state !== false);

  return (
    <li className="py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 grow basis-52">
          <p className="font-medium wrap-anywhere">{name}</p>
          <p className="text-sm wrap-anywhere text-muted">{email}</p>
          {states.length > 0 && <p className="text-sm text-muted">{states.join(' · ')}</p>}
        </div>
        <Choice
          label={t('people.roleOf', { name })}
          labelHidden
          value={account.role}
          onChange={(role) => changing.mutate({ role })}
          options={accountRoles.map((value) => ({ value, label: t(`role.${value}`) }))}
          className="w-44"
        />
        <Menu
          trigger={
            <IconButton ref={actions} label={t('people.actions', { name })}>
              <Ellipsis size={18} aria-hidden />
            </IconButton>
          }
        >
          <MenuItem onSelect={() => linking.mutate()}>{t('people.makeLink')}</MenuItem>
          {!own && (
            <MenuItem onSelect={() => changing.mutate({ disabled: !account.disabled })}>
              {t(account.disabled ? 'people.enable' : 'people.disable')}
            </MenuItem>
          )}
          {!own && (
            <MenuItem onSelect={() => setConfirming(true)} className="text-danger">
              {t('people.delete')}
            </MenuItem>
          )}
        </Menu>
      </div>
      {failure && <Notice tone="danger">{refusalText(t, failure)}</Notice>}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('people.deleteTitle', { name })}
        text={t('people.deleteText')}
        action={t('people.delete')}
        onConfirm={() => deleting.mutate()}
        returnFocus={actions}
      />
    </li>
  );
}

function Invitation({ onLink }: { onLink: (link: NamedLink) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<AccountRole>('user');
  const inviting = useAccountChange<void>(async () => {
    onLink({ name, link: await invite({ name, email, role }) });
    setName('');
    setEmail('');
  });
  return (
    <form
      className="mt-6 flex flex-col gap-4 rounded-2xl border border-line p-4"
      onSubmit={(event) => {
        event.preventDefault();
        inviting.mutate();
      }}
    >
      <h2 className="font-serif text-xl">{t('people.new')}</h2>
      <p className="text-sm leading-relaxed text-muted">{t('people.newHelp')}</p>
      <div className="flex flex-wrap gap-4">
        <Field
          label={t('register.name')}
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          className="grow basis-48"
        />
        <Field
          label={t('signIn.email')}
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          className="grow basis-48"
        />
        <Choice
          label={t('account.role')}
          value={role}
          onChange={setRole}
          options={accountRoles.map((value) => ({ value, label: t(`role.${value}`) }))}
          className="basis-44"
        />
      </div>
      {inviting.error && <Notice tone="danger">{refusalText(t, inviting.error)}</Notice>}
      <Button type="submit" shape="primary" disabled={inviting.isPending} className="min-h-10 self-start">
        {t('people.add')}
      </Button>
    </form>
  );
}
