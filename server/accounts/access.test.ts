import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { access, addAccess, type SignedInUser, userOf } from './access.ts';

const ada: SignedInUser = { id: 'ada', name: 'Ada', role: 'trainer' };

test('a server with a route that does not declare who may use it does not start', async () => {
  const app = Fastify();
  addAccess(app, async () => ada);
  app.get('/api/declared', access('user'), async () => 'x');
  app.register(async (inner) => {
    inner.post('/api/forgotten', async () => 'x');
  });
  await expect(app.ready()).rejects.toThrow(
    /POST \/api\/forgotten does not declare who may use it.*access\('public'\)/,
  );
});

test('the table has every route, and each is open to its level and to those above', async () => {
  const app = Fastify();
  let user: SignedInUser | null = null;
  const routes = addAccess(app, async () => user);
  for (const level of ['public', 'api', 'api:chat', 'user', 'trainer', 'administrator'] as const) {
    app.get(`/api/${level}`, access(level), async (request) => request.user?.name ?? 'nobody');
  }
  app.get('/api/own', access('user'), async (request) => userOf(request).id);
  await app.ready();
  expect(routes()).toContainEqual({ method: 'GET', url: '/api/trainer', access: 'trainer' });
  const statuses = async () =>
    Promise.all(
      ['public', 'api', 'user', 'trainer', 'administrator', 'nowhere'].map(
        async (level) => (await app.inject(`/api/${level}`)).statusCode,
      ),
    );
  expect(await statuses()).toEqual([200, 200, 401, 401, 401, 404]);
  user = ada;
  expect(await statuses()).toEqual([200, 200, 200, 200, 403, 404]);
  expect((await app.inject('/api/own')).body).toBe('ada');
  await app.close();
});
