/** Who is signed in. Everything inside `SessionGate` is shown only to them; others are asked who they are. */
import type { Account } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import { useTranslation } from 'react-i18next';
import { sessionQuery } from '../api/accounts.ts';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { NewPassword } from './new-password.tsx';
import { SignIn } from './sign-in.tsx';

const AccountContext = createContext<Account | null>(null);

/** The signed-in account. For what its role may do: `roleAllows(useSession().role, 'trainer')`. */
export function useSession(): Account {
  const account = useContext(AccountContext);
  if (!account) throw new Error('useSession needs a SessionGate around it.');
  return account;
}

export function SessionGate({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const { data: session, error, refetch } = useQuery(sessionQuery);
  if (location.pathname === '/new-password') return <NewPassword />;
  if (session?.user) return <AccountContext value={session.user}>{children}</AccountContext>;
  if (session) return <SignIn session={session} />;
  if (!error) return null;
  return (
    <div role="alert" className="flex h-dvh flex-col items-center justify-center gap-4 p-6 text-center">
      <p>{errorText(t, error)}</p>
      <Button onClick={() => void refetch()}>{t('app.tryAgain')}</Button>
    </div>
  );
}
