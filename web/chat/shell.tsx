/** What surrounds every page: sidebar, header, and the place of the page itself. */
import { Outlet, useNavigate } from '@tanstack/react-router';
import { PanelLeftOpen, SquarePen } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageMenu, ThemeMenu } from '../account/preferences.tsx';
import { UserMenu } from '../account/user-menu.tsx';
import { IconButton } from '../ui/button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { useMediaQuery } from '../ui/media-query.ts';
import { storedValue } from '../ui/stored-value.ts';
import { composerId } from './composer.tsx';
import { ModelBanner, ModelName } from './model-name.tsx';
import { useNewChatShortcut } from './shortcuts.ts';
import { Sidebar } from './sidebar.tsx';

const pageId = 'page';
const sidebarShown = storedValue('parley.sidebar', (stored) => stored !== false);

export function Shell() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const wide = useMediaQuery('(min-width: 48rem)');
  const pinned = sidebarShown.use();
  const [drawerOpen, setDrawerOpen] = useState(false);
  const page = useRef<HTMLElement>(null);

  async function newChat(): Promise<void> {
    setDrawerOpen(false);
    await navigate({ to: '/' });
    document.getElementById(composerId)?.focus();
  }
  useNewChatShortcut(() => void newChat());

  return (
    <div className="flex h-dvh overflow-hidden">
      <a
        href={`#${pageId}`}
        onClick={(event) => {
          event.preventDefault();
          // In a conversation what one comes for is the next question.
          (document.getElementById(composerId) ?? page.current)?.focus();
        }}
        className="sr-only z-50 rounded-xl bg-accent text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:px-4 focus:py-2"
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
          <UserMenu />
        </header>
        <ModelBanner />
        <main ref={page} id={pageId} tabIndex={-1} className="min-h-0 grow outline-none">
          <Outlet />
        </main>
      </div>
    </div>
  );
}
