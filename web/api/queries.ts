/** What the page reads from the server, as TanStack queries, and the few ways in which it edits that cache. */
import type { Conversation, Message } from '@parley/contracts';
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { RequestError } from './request.ts';
import { getStatus, listConversations, listMessages } from './routes.ts';

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => getStatus(signal),
  // While the model loads, or the server is away, ask again soon; else often enough to notice another model.
  refetchInterval: ({ state }) => (state.status === 'success' && state.data?.ready ? 15_000 : 1_500),
  retry: false,
});

export const conversationsQuery = queryOptions({
  queryKey: ['conversations'],
  queryFn: ({ signal }) => listConversations(signal),
  retry: retryUnlessRefused,
});

export function messagesQuery(conversationId: string) {
  return queryOptions({
    queryKey: ['messages', conversationId],
    queryFn: ({ signal }) => listMessages(conversationId, signal),
    retry: retryUnlessRefused,
  });
}

/** Adds the messages, or replaces those of the same id. A fetch under way is dropped: it is older than they. */
export function putMessages(client: QueryClient, conversationId: string, messages: readonly Message[]): void {
  void client.cancelQueries({ queryKey: messagesQuery(conversationId).queryKey });
  client.setQueryData(messagesQuery(conversationId).queryKey, (known: Message[] = []) =>
    messages.reduce((list, message) => replaceOrAppend(list, message), known),
  );
}

/** Adds or replaces the conversation and keeps the list newest first. */
export function putConversation(client: QueryClient, conversation: Conversation): void {
  client.setQueryData(conversationsQuery.queryKey, (known: Conversation[] = []) =>
    replaceOrAppend(known, conversation).toSorted((one, other) => other.updatedAt - one.updatedAt),
  );
}

export function dropConversation(client: QueryClient, id: string): void {
  client.setQueryData(conversationsQuery.queryKey, (known) => known?.filter((conversation) => conversation.id !== id));
  client.removeQueries({ queryKey: messagesQuery(id).queryKey });
}

function replaceOrAppend<Item extends { id: string }>(list: Item[], item: Item): Item[] {
  const known = list.some(({ id }) => id === item.id);
  return known ? list.map((other) => (other.id === item.id ? item : other)) : [...list, item];
}

function retryUnlessRefused(failures: number, error: Error): boolean {
  return failures < 3 && !(error instanceof RequestError && error.status < 500);
}
