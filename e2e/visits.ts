/** Where there is something to see: every page of the router, the pages before it, and what opens on them. */
import type { en } from '@parley/web/en';
import type { Page } from 'playwright-core';

/** What an address is made of. */
export interface Places {
  rich: string;
  chinese: string;
  drafts: string;
  cited: string;
  assistant: string;
  share: string;
  vote: string;
  disliked: string;
  doneRun: string;
  activeRun: string;
  failedRun: string;
  judged: string;
  toJudge: string;
}

export interface Visit {
  /** Names its screenshots. */
  name: string;
  path: (places: Places) => string;
  /** A text that stands on the page when its content is there. */
  shows?: string;
  /** Opens what is to be seen; `texts` is the dictionary of the page's language. */
  open?: (page: Page, texts: typeof en) => Promise<void>;
  /** Without an account. */
  stranger?: boolean;
  /** Not of the router's pages. */
  outside?: boolean;
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const press = (page: Page, name: string) => button(page, name).first().click();
const dialog = async (page: Page) => {
  await page.getByRole('dialog').or(page.getByRole('alertdialog')).or(page.getByRole('menu')).first().waitFor();
};

const question = 'What is the sum of the first n numbers?';

/** By the route's path. */
export const visits: Record<string, Visit[]> = {
  '/': [
    { name: 'welcome', path: () => '/' },
    {
      name: 'answer-settings',
      path: () => '/',
      open: async (page, texts) => {
        await press(page, texts.composer.settings);
        await dialog(page);
      },
    },
    {
      name: 'user-menu',
      path: () => '/',
      open: async (page, texts) => {
        await press(page, texts.userMenu.label);
        await dialog(page);
      },
    },
    {
      name: 'search',
      path: () => '/',
      open: async (page, texts) => {
        const menu = button(page, texts.app.menu);
        if (await menu.isVisible()) await menu.click();
        await page.getByRole('searchbox').fill('sum');
        await page.locator('nav mark').first().waitFor();
      },
    },
  ],
  '/chat/$conversationId': [
    {
      name: 'conversation',
      path: ({ rich }) => `/chat/${rich}`,
      shows: question,
      // The typesetter comes with the first formula.
      open: (page) => page.locator('.katex').first().waitFor(),
    },
    { name: 'conversation-chinese', path: ({ chinese }) => `/chat/${chinese}`, shows: '5050' },
    { name: 'drafts', path: ({ drafts }) => `/chat/${drafts}`, shows: 'Black tea with ginger' },
    { name: 'citations', path: ({ cited }) => `/chat/${cited}`, shows: 'handbook.md' },
    {
      name: 'passage',
      path: ({ cited }) => `/chat/${cited}`,
      shows: 'handbook.md',
      open: async (page) => {
        await page
          .getByRole('button', { name: /handbook\.md/ })
          .first()
          .click();
        await page.getByRole('dialog').locator('mark').waitFor();
      },
    },
    {
      name: 'feedback',
      path: ({ chinese }) => `/chat/${chinese}`,
      shows: '5050',
      open: async (page, texts) => {
        await press(page, texts.feedback.down);
        await page.getByRole('textbox', { name: texts.feedback.comment }).waitFor();
      },
    },
    {
      name: 'share',
      path: ({ rich }) => `/chat/${rich}`,
      shows: question,
      open: async (page, texts) => {
        const menu = button(page, texts.app.menu);
        if (await menu.isVisible()) await menu.click();
        await press(page, texts.sidebar.actions.replace('{{title}}', 'Sums, squares and a table'));
        await page.getByRole('menuitem', { name: texts.share.action }).click();
        await page.getByRole('dialog').getByRole('link').waitFor();
      },
    },
    {
      name: 'no-conversation',
      path: () => '/chat/01890000-0000-7000-8000-000000000000',
    },
  ],
  '/account': [{ name: 'account', path: () => '/account', shows: 'notebook' }],
  '/administration': [],
  '/administration/': [
    { name: 'people', path: () => '/administration', shows: 'liming@example.org' },
    {
      name: 'delete-person',
      path: () => '/administration',
      shows: 'liming@example.org',
      open: async (page, texts) => {
        await press(page, texts.people.actions.replace('{{name}}', '李明'));
        await page.getByRole('menuitem', { name: texts.people.delete }).click();
        await dialog(page);
      },
    },
  ],
  '/administration/settings': [{ name: 'settings', path: () => '/administration/settings' }],
  '/administration/safety': [{ name: 'safety', path: () => '/administration/safety', shows: 'quotation from a play' }],
  '/administration/audit': [{ name: 'audit', path: () => '/administration/audit', shows: 'eve@example.org' }],
  '/assistants': [{ name: 'assistants', path: () => '/assistants', shows: 'Lanterna shop' }],
  '/assistants/new': [{ name: 'new-assistant', path: () => '/assistants/new' }],
  '/assistants/$assistantId': [
    { name: 'assistant', path: ({ assistant }) => `/assistants/${assistant}`, shows: 'handbook.md' },
  ],
  '/assistants/$assistantId/chat': [
    { name: 'assistant-welcome', path: ({ assistant }) => `/assistants/${assistant}/chat`, shows: '保修多久？' },
  ],
  '/decisions': [{ name: 'decisions', path: () => '/decisions', shows: '化学课' }],
  '/playground': [
    { name: 'playground', path: () => '/playground' },
    {
      name: 'playground-result',
      path: () => '/playground',
      open: async (page, texts) => {
        // Kept in the browser: asked for once in each.
        if (await page.getByRole('option').first().isVisible()) return;
        await page.getByRole('textbox', { name: texts.playground.turn.replace('{{number}}', '1') }).fill('Recite');
        await page.evaluate(
          `localStorage.setItem('parley.playground', JSON.stringify({ ...JSON.parse(localStorage.getItem('parley.playground')), parameters: { temperature: 0, max_tokens: 40 } }))`,
        );
        await page.reload();
        await press(page, texts.playground.run);
        await page.getByText(texts.playground.reason.length).first().waitFor();
      },
    },
    {
      name: 'playground-code',
      path: () => '/playground',
      open: async (page, texts) => {
        await press(page, texts.playground.code);
        await dialog(page);
      },
    },
  ],
  '/lab': [],
  '/lab/': [{ name: 'runs', path: () => '/lab', shows: 'evaluate-1' }],
  '/lab/new': [
    { name: 'new-run', path: () => '/lab/new' },
    {
      name: 'new-run-ppo',
      path: () => '/lab/new',
      open: async (page) => {
        await page.getByRole('combobox').first().selectOption('ppo');
        await page.locator('summary').click();
        await page.locator('details[open]').waitFor();
      },
    },
  ],
  '/lab/runs/$jobId': [
    { name: 'run', path: ({ doneRun }) => `/lab/runs/${doneRun}`, shows: 'step 20 of 20' },
    { name: 'run-active', path: ({ activeRun }) => `/lab/runs/${activeRun}`, shows: 'step 7 of 7' },
    { name: 'run-failed', path: ({ failedRun }) => `/lab/runs/${failedRun}`, shows: 'mend the line' },
  ],
  '/lab/runs/$jobId/answers': [
    { name: 'run-answers', path: ({ doneRun }) => `/lab/runs/${doneRun}/answers`, shows: 'Recite something.' },
  ],
  '/lab/models': [
    { name: 'models', path: () => '/lab/models', shows: 'reward-1' },
    {
      name: 'roll-back',
      path: () => '/lab/models',
      shows: 'reward-1',
      open: async (page, texts) => {
        await press(page, texts.deployments.rollBack.replace('{{model}}', 'parley-tiny'));
        await dialog(page);
      },
    },
  ],
  '/lab/models/$modelId': [
    { name: 'model', path: () => '/lab/models/ppo-1', shows: '5,146,304' },
    {
      name: 'share-out',
      path: () => '/lab/models/parley-tiny',
      open: async (page, texts) => {
        await press(page, texts.deployAction.share);
        await dialog(page);
      },
    },
  ],
  '/lab/comparisons': [{ name: 'comparisons', path: () => '/lab/comparisons', shows: 'ppo-1' }],
  '/lineage': [{ name: 'lineage-list', path: () => '/lineage', shows: 'How do I boil an egg?' }],
  '/lineage/$itemId': [{ name: 'lineage', path: ({ vote }) => `/lineage/${vote}`, shows: 'reward-1' }],
  '/lineage/messages/$messageId': [
    { name: 'lineage-of-message', path: ({ disliked }) => `/lineage/messages/${disliked}`, shows: 'ppo-1' },
  ],
  '/comparisons': [{ name: 'judging-list', path: () => '/comparisons', shows: 'ppo-1' }],
  '/comparisons/$comparisonId': [
    {
      name: 'judging',
      path: ({ toJudge }) => `/comparisons/${toJudge}`,
      open: (page, texts) => page.getByRole('group', { name: texts.comparison.question }).waitFor(),
    },
    { name: 'comparison', path: ({ judged }) => `/comparisons/${judged}`, shows: 'small language model' },
  ],
  '/workbench': [{ name: 'workbench', path: () => '/workbench', shows: 'What is the capital of Japan?' }],
  '/workbench/tasks': [
    { name: 'tasks', path: () => '/workbench/tasks', shows: 'nothing to rank' },
    {
      name: 'task-details',
      path: () => '/workbench/tasks',
      shows: 'nothing to rank',
      open: async (page, texts) => {
        await page
          .getByRole('listitem')
          .filter({ hasText: 'capital of Japan' })
          .getByRole('button', { name: texts.tasks.look })
          .first()
          .click();
        await page.getByRole('table').first().waitFor();
      },
    },
  ],
  '/workbench/$kind': [
    { name: 'rank', path: () => '/workbench/rank', shows: 'Grey waves' },
    { name: 'demonstrate', path: () => '/workbench/demonstrate' },
    { name: 'label', path: () => '/workbench/label', shows: '朱雀大街' },
    {
      name: 'guidelines',
      path: () => '/workbench/rank',
      shows: 'Grey waves',
      open: async (page, texts) => {
        const drawer = button(page, texts.workbench.guidelines);
        if (await drawer.isVisible()) await drawer.click();
        await page.getByRole('heading', { level: 2 }).last().waitFor();
      },
    },
  ],
};

/** What stands before the router's pages, or beside them. */
export const otherVisits: Visit[] = [
  { name: 'no-page', path: () => '/no/such/page' },
  { name: 'sign-in', path: () => '/', stranger: true },
  {
    name: 'register',
    path: () => '/',
    stranger: true,
    open: (page, texts) => press(page, texts.signIn.newAccount),
  },
  {
    name: 'forgotten',
    path: () => '/',
    stranger: true,
    open: (page, texts) => press(page, texts.signIn.forgotten),
  },
  {
    name: 'first-account',
    path: () => '/',
    stranger: true,
    open: async (page, texts) => {
      const json = { user: null, setup: true, registration: 'open', mail: false };
      await page.route('**/api/session', (route) => route.fulfill({ json }));
      await page.reload();
      await page.getByRole('heading', { name: texts.register.firstTitle }).waitFor();
      await page.unroute('**/api/session');
    },
  },
  { name: 'new-password', path: () => '/new-password#secret', stranger: true },
  { name: 'shared', path: ({ share }) => `/share/${share}`, shows: question, stranger: true },
  { name: 'nothing-shared', path: () => `/share/${'x'.repeat(32)}`, stranger: true },
  {
    name: 'widget',
    path: ({ assistant }) => `/widget/${assistant}`,
    shows: 'Lanterna shop',
    stranger: true,
    outside: true,
  },
];
