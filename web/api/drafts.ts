/** Pairs of drafts to choose between: contracts/feedback.ts lists their routes. */
import { type DraftChoice, type DraftPair, draftPairSchema } from '@parley/contracts';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import { jsonBody, request } from './request.ts';

const draftPairListSchema = z.object({ drafts: z.array(draftPairSchema) });

export function draftPairsQuery(conversationId: string) {
  return queryOptions({
    queryKey: ['drafts', conversationId],
    queryFn: async ({ signal }) =>
      (await request(`/api/conversations/${conversationId}/drafts`, draftPairListSchema, { signal })).drafts,
  });
}

export function useChooseDraft({ id, conversationId }: DraftPair) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (choice: DraftChoice) =>
      request(`/api/drafts/${id}`, draftPairSchema, { method: 'PUT', ...jsonBody({ choice }) }),
    onSuccess: (stored) =>
      client.setQueryData(draftPairsQuery(conversationId).queryKey, (known) =>
        known?.map((pair) => (pair.id === id ? stored : pair)),
      ),
  });
}
