/** The built web page: hashed assets are cached for good, every unknown page address gets index.html. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { access } from '../accounts/access.ts';
import { HttpError } from './errors.ts';

const notBuilt = 'The web page has not been built yet. Run `npm run build:web`, then reload.';

export async function addPage(app: FastifyInstance, webFolder: string): Promise<void> {
  await app.register(async (page) => {
    // The plugin makes a route of every file and takes no options for them.
    page.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...access('public').config };
    });
    await servePage(page, webFolder);
  });
}

async function servePage(app: FastifyInstance, webFolder: string): Promise<void> {
  const built = existsSync(join(webFolder, 'index.html'));
  if (built) {
    await app.register(fastifyStatic, {
      root: webFolder,
      wildcard: false,
      index: false,
      cacheControl: false,
      setHeaders: (response, path) => {
        const hashed = path.startsWith(join(webFolder, 'assets'));
        response.setHeader('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  } else {
    app.log.warn(`${notBuilt} (${webFolder} has no index.html)`);
  }

  app.setNotFoundHandler(async (request, reply) => {
    if (!wantsPage(request))
      throw new HttpError(404, 'not_found', `There is no ${request.method} ${request.url} here.`);
    if (built) return reply.sendFile('index.html');
    return reply.code(503).type('text/plain; charset=utf-8').send(`${notBuilt}\n`);
  });
}

/**
 * A browser says text/html; curl and others take anything, and get the page where it could be meant: not in place of a
 * file that is gone, and not if they name JSON.
 */
function wantsPage({ method, url, headers }: FastifyRequest): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || /^\/(api|v1)(\/|$)/.test(url)) return false;
  const { accept = '' } = headers;
  if (accept.includes('text/html')) return true;
  return accept.includes('*/*') && !accept.includes('json') && !/\.\w+$/.test(url.split('?', 1)[0]!);
}
