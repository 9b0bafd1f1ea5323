/** What surrounds every page: sidebar, header, and the place of the page itself. */
import { Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { Languages, Monitor, Moon, PanelLeftOpen, SquarePen, Sun } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Language, languages, setLanguage } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { useMediaQuery } from '../ui/media-query.ts';
import { Menu, MenuChoices } from '../ui/menu.tsx';
import { storedValue } from '../ui/stored-value.ts';
import { type Theme, useTheme } from '../ui/theme.ts';
import { composerId } from './composer.tsx';
import { useConversationTitle } from './conversation.tsx';
import { ModelBanner, ModelName } from './model-name.tsx';
import { useNewChatShortcut } from './shortcuts.ts';
import { Sidebar } from './sidebar.tsx';

const sidebarShown = storedValue('parley.sidebar', (stored) => stored !== false);

export function Shell() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const wide = useMediaQuery('(min-width: 48rem)');
  const pinned = sidebarShown.use();
  const [drawerOpen, setDrawerOpen] = useState(false);
  useDocumentTitle();

  async function newChat(): Promise<void> {
    setDrawerOpen(false);
    await navigate({ to: '/' });
    document.getElementById(composerId)?.focus();
  }
  useNewChatShortcut(() => void newChat());

  return (
    <div className="flex h-dvh overflow-hidden">
      <a
        href={`#${composerId}`}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById(composerId)?.focus();
        }}
        className="sr-only z-50 rounded-xl bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        {t('app.skip')}
      </a>
      {wide && pinned && (
        <aside className="flex w-68 shrink-0 flex-col border-r border-line bg-sidebar">
          <Sidebar onHide={() => sidebarShown.set(false)} onChosen={() => undefined} />
        </aside>
      )}
      <div className="flex min-w-0 grow flex-col pt-[env(safe-area-inset-top)]">
        <header className="flex h-14 shrink-0 items-center gap-1 px-2.5">
          {!wide && (
            <Drawer
              trigger={
                <IconButton label={t('app.menu')}>
                  <PanelLeftOpen size={18} aria-hidden />
                </IconButton>
              }
              open={drawerOpen}
              onOpenChange={setDrawerOpen}
              side="left"
              title={t('sidebar.label')}
              titleHidden
            >
              <Sidebar onHide={() => setDrawerOpen(false)} onChosen={() => setDrawerOpen(false)} />
            </Drawer>
          )}
          {wide && !pinned && (
            <IconButton label={t('app.menu')} onClick={() => sidebarShown.set(true)}>
              <PanelLeftOpen size={18} aria-hidden />
            </IconButton>
          )}
          {!(wide && pinned) && (
            <IconButton label={t('app.newChat')} onClick={() => void newChat()} className="max-sm:order-last">
              <SquarePen size={18} aria-hidden />
            </IconButton>
          )}
          <div className="min-w-0 grow px-2">
            <ModelName />
          </div>
          <LanguageMenu />
          <ThemeMenu />
        </header>
        <ModelBanner />
        <main className="min-h-0 grow">
          <Outlet />
        </main>
      </div>
    </div>
  );
}

function LanguageMenu() {
  const { t, i18n } = useTranslation();
  const options = (Object.keys(languages) as Language[]).map((value) => ({
    value,
    label: languages[value],
    lang: value,
  }));
  return (
    <Menu
      trigger={
        <IconButton label={t('app.language')}>
          <Languages size={18} aria-hidden />
        </IconButton>
      }
    >
      <MenuChoices value={i18n.language as Language} onChange={setLanguage} options={options} />
    </Menu>
  );
}

function ThemeMenu() {
  const { t } = useTranslation();
  const [theme, setTheme] = useTheme();
  const options: { value: Theme; label: string; icon: React.ReactNode }[] = [
    { value: 'system', label: t('app.themeSystem'), icon: <Monitor size={16} aria-hidden /> },
    { value: 'light', label: t('app.themeLight'), icon: <Sun size={16} aria-hidden /> },
    { value: 'dark', label: t('app.themeDark'), icon: <Moon size={16} aria-hidden /> },
  ];
  return (
    <Menu
      trigger={
        <IconButton label={t('app.theme')}>
          <Sun size={18} className="dark:hidden" aria-hidden />
          <Moon size={18} className="not-dark:hidden" aria-hidden />
        </IconButton>
      }
    >
      <MenuChoices value={theme} onChange={setTheme} options={options} />
    </Menu>
  );
}

function useDocumentTitle(): void {
  const { conversationId } = useParams({ strict: false });
  const title = useConversationTitle(conversationId);
  useEffect(() => {
    document.title = title ? `${title} · Parley` : 'Parley';
  }, [title]);
}
