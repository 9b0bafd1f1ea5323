import { roleAllows } from '@parley/contracts';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import {
  CircleUserRound,
  FlaskConical,
  Hammer,
  LogOut,
  Scale,
  Settings,
  ShieldCheck,
  SquareTerminal,
  UserRound,
  Waypoints,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { signOut } from '../api/accounts.ts';
import { IconButton } from '../ui/button.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { useSession } from './session.tsx';

/** One's own pages, and those that one's role opens. */
export function UserMenu() {
  const { t } = useTranslation();
  const { name, email, role } = useSession();
  // A fresh page forgets whatever of the account was in memory, however it went.
  const leaving = useMutation({ mutationFn: signOut, onSettled: () => location.assign('/') });
  return (
    <Menu
      trigger={
        <IconButton label={t('userMenu.label')}>
          <CircleUserRound size={18} aria-hidden />
        </IconButton>
      }
    >
      <p className="max-w-64 truncate px-2.5 pt-1.5 text-sm font-medium">{name}</p>
      <p className="max-w-64 truncate border-b border-line px-2.5 pb-2 text-xs text-muted">{email}</p>
      <div className="pt-1">
        <MenuItem asChild>
          <Link to="/account">
            <UserRound size={16} aria-hidden /> {t('userMenu.account')}
          </Link>
        </MenuItem>
        {places
          .filter((place) => roleAllows(role, place.role))
          .map(({ to, Icon, text }) => (
            <MenuItem key={to} asChild>
              <Link to={to}>
                <Icon size={16} aria-hidden /> {t(text)}
              </Link>
            </MenuItem>
          ))}
        <MenuItem onSelect={() => leaving.mutate()}>
          <LogOut size={16} aria-hidden /> {t('userMenu.signOut')}
        </MenuItem>
      </div>
    </Menu>
  );
}

const places = [
  { to: '/decisions', role: 'user', Icon: ShieldCheck, text: 'safety.decisions' },
  { to: '/lineage', role: 'user', Icon: Waypoints, text: 'lineage.title' },
  { to: '/playground', role: 'user', Icon: SquareTerminal, text: 'playground.title' },
  { to: '/workbench', role: 'trainer', Icon: Hammer, text: 'userMenu.workbench' },
  { to: '/comparisons', role: 'trainer', Icon: Scale, text: 'lab.comparisons' },
  { to: '/lab', role: 'administrator', Icon: FlaskConical, text: 'userMenu.lab' },
  { to: '/administration', role: 'administrator', Icon: Settings, text: 'userMenu.administration' },
] as const;
