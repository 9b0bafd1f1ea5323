/** OpenAI's API, as its clients rely on it. */
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import { addLocalCors } from '../http/security.ts';
import type { RegisteredModel } from '../lab/registry.ts';
import type { Models } from './answering.ts';
import { addChatCompletions } from './chat-completions.ts';
import { addCompletions } from './completions.ts';
import { addEmbeddings } from './embeddings.ts';
import { addResponses } from './responses.ts';

export function addOpenaiRoutes(app: FastifyInstance, models: Models): void {
  addLocalCors(app);
  const { registry } = models;

  app.get('/models', access('api'), async () => ({
    object: 'list',
    data: (await registry.listChat()).map(modelObject),
  }));

  // A model's name may hold slashes.
  app.get<{ Params: { '*': string } }>('/models/*', access('api'), async (request) => {
    return modelObject(await registry.getChat(request.params['*']));
  });

  addChatCompletions(app, models);
  addCompletions(app, models);
  addEmbeddings(app, models);
  addResponses(app, models);
}

function modelObject({ id, manifest, context }: RegisteredModel) {
  return {
    id,
    object: 'model',
    created: Math.floor(Date.parse(manifest.createdAt) / 1000),
    owned_by: 'parley',
    max_model_len: context,
  };
}
