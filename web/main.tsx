import './api/schema-mode.ts';
import './styles.css';
import { notifyManager, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Tooltip } from 'radix-ui';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { SessionGate } from './account/session.tsx';
import { sessionQuery } from './api/accounts.ts';
import { RequestError } from './api/request.ts';
import { AnswerStreams } from './chat/answer-streams.ts';
import { AnswerStreamsContext } from './chat/streams-context.tsx';
import { startTranslation } from './i18n/index.ts';
import { createPageRouter } from './router.tsx';
import { Announcer } from './ui/announcer.tsx';
import { startTheme } from './ui/theme.ts';

// The stored messages and the live text change in the same breath; told apart by a timer they would flicker.
notifyManager.setScheduler(queueMicrotask);

const queryClient: QueryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: 5_000 } },
  queryCache: new QueryCache({
    onError: (error) => {
      // Signed out meanwhile, perhaps from elsewhere: the gate asks who it is.
      if (error instanceof RequestError && error.status === 401) {
        void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
      }
    },
  }),
});
const answerStreams = new AnswerStreams(queryClient);

const router = createPageRouter(queryClient);

// Whoever has a link needs no account, so this page stands outside what asks for one.
const SharedPage = lazy(() => import('./chat/shared.tsx'));
const sharedToken = /^\/share\/([\w-]+)$/.exec(location.pathname)?.[1];

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
            {sharedToken === undefined ? (
              <SessionGate>
                <RouterProvider router={router} />
              </SessionGate>
            ) : (
              <Suspense>
                <SharedPage token={sharedToken} />
              </Suspense>
            )}
          </Announcer>
        </Tooltip.Provider>
      </AnswerStreamsContext>
    </QueryClientProvider>
  </StrictMode>,
);
