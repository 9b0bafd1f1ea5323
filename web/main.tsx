import './api/schema-mode.ts';
import './styles.css';
import { notifyManager, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  RouterProvider,
} from '@tanstack/react-router';
import { Tooltip } from 'radix-ui';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useTranslation } from 'react-i18next';
import { SessionGate } from './account/session.tsx';
import { messagesQuery } from './api/queries.ts';
import { AnswerStreams } from './chat/answer-streams.ts';
import { ConversationPage, NotFound } from './chat/conversation.tsx';
import { Shell } from './chat/shell.tsx';
import { AnswerStreamsContext } from './chat/streams-context.tsx';
import { Welcome } from './chat/welcome.tsx';
import { startTranslation } from './i18n/index.ts';
import { Announcer } from './ui/announcer.tsx';
import { Button } from './ui/button.tsx';
import { startTheme } from './ui/theme.ts';

// The stored messages and the live text change in the same breath; told apart by a timer they would flicker.
notifyManager.setScheduler(queueMicrotask);

const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: 5_000 } } });
const answerStreams = new AnswerStreams(queryClient);

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: PageNotFound, errorComponent: Crash });
const welcomeRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: Welcome });
const conversationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/chat/$conversationId',
  component: ConversationPage,
  loader: ({ params }) => {
    // Begun on hover, not waited for: the page itself shows what is there.
    void queryClient.prefetchQuery(messagesQuery(params.conversationId));
  },
});

const router = createRouter({
  routeTree: rootRoute.addChildren([welcomeRoute, conversationRoute]),
  defaultPreload: 'intent',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function PageNotFound() {
  const { t } = useTranslation();
  return <NotFound text={t('chat.pageNotFound')} />;
}

function Crash({ error }: ErrorComponentProps) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="flex h-dvh flex-col items-center justify-center gap-4 p-6 text-center">
      <p>{t('error.crashed')}</p>
      <p className="max-w-xl text-sm wrap-anywhere text-muted">
        {error instanceof Error ? error.message : String(error)}
      </p>
      <Button onClick={() => location.reload()}>{t('error.reload')}</Button>
    </div>
  );
}

startTheme();
startTranslation();

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root".');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <AnswerStreamsContext value={answerStreams}>
        <Tooltip.Provider delayDuration={400}>
          <Announcer>
            <SessionGate>
              <RouterProvider router={router} />
            </SessionGate>
          </Announcer>
        </Tooltip.Provider>
      </AnswerStreamsContext>
    </QueryClientProvider>
  </StrictMode>,
);
