/** The administrators' pages: people, settings, and who did what. */
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { SettingsPage } from '../ui/settings-page.tsx';

const tabs = [
  { to: '/administration', text: 'administration.people' },
  { to: '/administration/settings', text: 'administration.settings' },
  { to: '/administration/safety', text: 'safety.title' },
  { to: '/administration/audit', text: 'administration.audit' },
] as const;

export function Administration() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const tab = tabs.find(({ to }) => to === pathname.replace(/\/$/, ''));
  return (
    <SettingsPage title={t('administration.title')} part={tab && t(tab.text)}>
      <nav aria-label={t('administration.title')} className="mt-5 flex gap-1 border-b border-line">
        {tabs.map(({ to, text }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: true }}
            className="-mb-px flex min-h-10 items-center border-b-2 border-transparent px-3 text-sm font-medium text-muted hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink pointer-coarse:min-h-11"
          >
            {t(text)}
          </Link>
        ))}
      </nav>
      <Outlet />
    </SettingsPage>
  );
}
