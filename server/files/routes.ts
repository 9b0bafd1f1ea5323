/** The routes of contracts/files.ts. */

import type { Readable } from 'node:stream';
import { largestUploadBytes, uploadQuerySchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { type Files, tooLarge } from './files.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

/** Bytes of a refused upload that are taken and thrown away, so that the client gets to read why. */
const longestFarewellMilliseconds = 5_000;

export async function addFileRoutes(app: FastifyInstance, files: Files): Promise<void> {
  // Only here may a body be anything but JSON. A form cannot send this type, so it is no way around the rule.
  await app.register(async (scope) => {
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));

    scope.put('/api/files', { ...access('user'), bodyLimit: largestUploadBytes + 1 }, async (request, reply) => {
      const { name } = parse(uploadQuerySchema, request.query);
      const body = request.body as Readable | undefined;
      if (typeof body?.pipe !== 'function') {
        throw new HttpError(
          415,
          'unsupported_media_type',
          'Send the bytes with content-type: application/octet-stream.',
        );
      }
      try {
        if (Number(request.headers['content-length'] ?? 0) > largestUploadBytes) throw tooLarge();
        return await reply.code(201).send(await files.upload(userOf(request).id, name, body));
      } catch (error) {
        reply.header('connection', 'close');
        const { raw } = request;
        if (!raw.readableEnded && !raw.destroyed) {
          raw.resume();
          setTimeout(() => raw.destroy(), longestFarewellMilliseconds).unref();
        }
        throw error;
      }
    });
  });

  app.get('/api/files/:id', access('user'), async (request) =>
    files.get(userOf(request).id, parse(idSchema, request.params).id),
  );

  app.delete('/api/files/:id', access('user'), async (request, reply) => {
    await files.remove(userOf(request).id, parse(idSchema, request.params).id);
    return reply.code(204).send();
  });
}
