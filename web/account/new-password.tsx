import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { choosePassword } from '../api/accounts.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { Door } from './door.tsx';
import { refusalText } from './refusal-text.ts';
import { NewPasswordField } from './sign-in.tsx';

/** Where the link of a mail or of the administrator leads: /new-password#SECRET. */
export function NewPassword() {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const choosing = useMutation({
    mutationFn: () => choosePassword({ token: location.hash.slice(1), password }),
    // A new start: whoever was signed in here is so no longer.
    onSuccess: () => location.replace('/'),
  });
  return (
    <Door title={t('newPassword.title')} description={t('newPassword.description')} onSubmit={choosing.mutate}>
      <NewPasswordField value={password} onChange={setPassword} />
      {choosing.error && <Notice tone="danger">{refusalText(t, choosing.error)}</Notice>}
      <Button type="submit" shape="primary" disabled={choosing.isPending} className="min-h-10">
        {t('newPassword.action')}
      </Button>
    </Door>
  );
}
