/** Every page that has an address, for people who are signed in. Pages but the chat are fetched when they are opened. */
import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { messagesQuery } from './api/queries.ts';
import { ConversationPage, NotFound } from './chat/conversation.tsx';
import { Shell } from './chat/shell.tsx';
import { Welcome } from './chat/welcome.tsx';
import { Button } from './ui/button.tsx';

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Shell,
  notFoundComponent: PageNotFound,
  errorComponent: Crash,
});
const welcomeRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: Welcome });
const conversationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/chat/$conversationId',
  component: ConversationPage,
  loader: ({ params, context: { queryClient } }) => {
    // Begun on hover, not waited for: the page itself shows what is there.
    void queryClient.prefetchQuery(messagesQuery(params.conversationId));
  },
});

const accountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/account',
  component: lazyRouteComponent(() => import('./account/account-page.tsx'), 'AccountPage'),
});
const administrationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/administration',
  component: lazyRouteComponent(() => import('./account/administration.tsx'), 'Administration'),
});
const administrationRoutes = administrationRoute.addChildren([
  createRoute({
    getParentRoute: () => administrationRoute,
    path: '/',
    component: lazyRouteComponent(() => import('./account/people.tsx'), 'People'),
  }),
  createRoute({
    getParentRoute: () => administrationRoute,
    path: '/settings',
    component: lazyRouteComponent(() => import('./account/server-settings.tsx'), 'ServerSettings'),
  }),
  createRoute({
    getParentRoute: () => administrationRoute,
    path: '/safety',
    component: lazyRouteComponent(() => import('./safety/safety-administration.tsx'), 'SafetyAdministration'),
  }),
  createRoute({
    getParentRoute: () => administrationRoute,
    path: '/audit',
    component: lazyRouteComponent(() => import('./account/audit-log.tsx'), 'AuditLog'),
  }),
]);

const assistantRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/assistants',
    component: lazyRouteComponent(() => import('./assistants/assistants-page.tsx'), 'AssistantsPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/assistants/new',
    component: lazyRouteComponent(() => import('./assistants/assistant-editor.tsx'), 'NewAssistantPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/assistants/$assistantId',
    component: lazyRouteComponent(() => import('./assistants/assistant-editor.tsx'), 'AssistantEditorPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/assistants/$assistantId/chat',
    component: lazyRouteComponent(() => import('./assistants/assistant-welcome.tsx'), 'AssistantWelcomePage'),
  }),
] as const;
const decisionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/decisions',
  component: lazyRouteComponent(() => import('./safety/decisions-page.tsx'), 'DecisionsPage'),
});

const playgroundRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/playground',
  component: lazyRouteComponent(() => import('./playground/playground-page.tsx'), 'PlaygroundPage'),
});

const labRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/lab',
  component: lazyRouteComponent(() => import('./lab/lab-page.tsx'), 'LabPage'),
});
const labRoutes = labRoute.addChildren([
  createRoute({
    getParentRoute: () => labRoute,
    path: '/',
    component: lazyRouteComponent(() => import('./lab/runs-page.tsx'), 'RunsPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/new',
    component: lazyRouteComponent(() => import('./lab/new-run-page.tsx'), 'NewRunPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/runs/$jobId',
    component: lazyRouteComponent(() => import('./lab/run-page.tsx'), 'RunPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/runs/$jobId/answers',
    component: lazyRouteComponent(() => import('./lab/answers-page.tsx'), 'AnswersPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/models',
    component: lazyRouteComponent(() => import('./lab/models-page.tsx'), 'ModelsPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/models/$modelId',
    component: lazyRouteComponent(() => import('./lab/model-page.tsx'), 'ModelPage'),
  }),
  createRoute({
    getParentRoute: () => labRoute,
    path: '/comparisons',
    component: lazyRouteComponent(() => import('./lab/comparisons-page.tsx'), 'ComparisonsPage'),
  }),
]);
const lineageRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/lineage',
    component: lazyRouteComponent(() => import('./lab/lineage-list-page.tsx'), 'LineageListPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/lineage/$itemId',
    component: lazyRouteComponent(() => import('./lab/lineage-page.tsx'), 'LineagePage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/lineage/messages/$messageId',
    component: lazyRouteComponent(() => import('./lab/lineage-page.tsx'), 'MessageLineagePage'),
  }),
] as const;
const comparisonRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/comparisons',
    component: lazyRouteComponent(() => import('./lab/comparisons-page.tsx'), 'JudgingPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/comparisons/$comparisonId',
    component: lazyRouteComponent(() => import('./lab/comparison-page.tsx'), 'ComparisonPage'),
  }),
] as const;

const workbenchRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/workbench',
    component: lazyRouteComponent(() => import('./workbench/home.tsx'), 'WorkbenchHome'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/workbench/tasks',
    component: lazyRouteComponent(() => import('./workbench/tasks-page.tsx'), 'TasksPage'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/workbench/$kind',
    component: lazyRouteComponent(() => import('./workbench/task-page.tsx'), 'TaskPage'),
  }),
] as const;

const routeTree = rootRoute.addChildren([
  welcomeRoute,
  conversationRoute,
  ...assistantRoutes,
  ...workbenchRoutes,
  decisionsRoute,
  playgroundRoute,
  accountRoute,
  administrationRoutes,
  labRoutes,
  ...lineageRoutes,
  ...comparisonRoutes,
]);

/** @param queryClient where pages put what they fetch ahead */
export function createPageRouter(queryClient: QueryClient) {
  return createRouter({ routeTree, context: { queryClient }, defaultPreload: 'intent' });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>;
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
