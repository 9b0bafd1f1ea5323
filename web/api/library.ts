/** The routes of contracts/library.ts as functions, queries and mutations. */
import {
  type Conversation,
  type ConversationExport,
  conversationExportSchema,
  conversationSchema,
  type SearchResult,
  type Share,
  type SharedConversation,
  searchResultSchema,
  sharedConversationSchema,
  shareSchema,
} from '@parley/contracts';
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import { conversationsQuery, putConversation } from './queries.ts';
import { jsonBody, request, requestNothing } from './request.ts';

const resultsSchema = z.object({ results: z.array(searchResultSchema) });
const sharesSchema = z.object({ shares: z.array(shareSchema) });
const importedSchema = z.object({ conversations: z.array(conversationSchema) });

export function searchQuery(words: string) {
  return queryOptions({
    queryKey: ['search', words],
    queryFn: async ({ signal }): Promise<SearchResult[]> =>
      (await request(`/api/search?q=${encodeURIComponent(words)}`, resultsSchema, { signal })).results,
    enabled: words !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
}

export function sharesQuery(conversationId: string) {
  return queryOptions({
    queryKey: ['shares', conversationId],
    queryFn: async ({ signal }): Promise<Share[]> =>
      (await request(`/api/conversations/${conversationId}/shares`, sharesSchema, { signal })).shares,
    retry: false,
  });
}

export function sharedQuery(token: string) {
  return queryOptions({
    queryKey: ['shared', token],
    queryFn: ({ signal }): Promise<SharedConversation> =>
      request(`/api/shared/${encodeURIComponent(token)}`, sharedConversationSchema, { signal }),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useShare(conversationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (leafId: string) =>
      request(`/api/conversations/${conversationId}/shares`, shareSchema, { method: 'POST', ...jsonBody({ leafId }) }),
    onSuccess: (share) =>
      client.setQueryData(sharesQuery(conversationId).queryKey, (known: Share[] = []) => [share, ...known]),
  });
}

export function useRevokeShare(conversationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => requestNothing(`/api/shares/${id}`, { method: 'DELETE' }),
    onSettled: () => client.invalidateQueries({ queryKey: sharesQuery(conversationId).queryKey }),
  });
}

export function usePinConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ conversation, pinned }: { conversation: Conversation; pinned: boolean }) =>
      request(`/api/conversations/${conversation.id}`, conversationSchema, {
        method: 'PATCH',
        ...jsonBody({ pinned }),
      }),
    onMutate: ({ conversation, pinned }) => putConversation(client, { ...conversation, pinned }),
    onError: (_error, { conversation }) => putConversation(client, conversation),
    onSuccess: (conversation) => putConversation(client, conversation),
  });
}

/** The file was not made by an export. */
export class NotAnExportError extends Error {
  override name = 'NotAnExportError';
}

export function useImport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (file: File): Promise<Conversation[]> => {
      const body = readExport(await file.text());
      return (await request('/api/import', importedSchema, { method: 'POST', ...jsonBody(body) })).conversations;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: conversationsQuery.queryKey }),
  });
}

function readExport(text: string): ConversationExport {
  try {
    return conversationExportSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new NotAnExportError('not an export of conversations', { cause });
  }
}
