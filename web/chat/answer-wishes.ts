/** What the person wants of the next answers: how they are drawn, and by which model. Kept in this browser. */
import type { AgainRequest } from '@parley/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { conversationsQuery } from '../api/queries.ts';
import { modelChoicesQuery } from '../assistants/api.ts';
import { storedValue } from '../ui/stored-value.ts';
import { samplingWishes } from './sampling.ts';

/** The id of a model; null: whichever is deployed. */
export const modelWish = storedValue<string | null>('parley.model', (stored) =>
  typeof stored === 'string' ? stored : null,
);

/**
 * Gives what to ask the server for, at the moment of asking. A model that is not there any more is not asked for, and
 * an assistant brings its own.
 */
export function useAnswerWishes(conversationId?: string): () => AgainRequest {
  const client = useQueryClient();
  return useCallback(() => {
    const sampling = samplingWishes.get();
    const model = modelWish.get();
    const conversations = client.getQueryData(conversationsQuery.queryKey);
    const assistant = conversations?.find(({ id }) => id === conversationId)?.assistantId ?? null;
    const known = client.getQueryData(modelChoicesQuery.queryKey)?.some(({ id }) => id === model);
    return { sampling, ...(model !== null && known && assistant === null && { model }) };
  }, [client, conversationId]);
}
