/** What the page changes on the server. Each shows its effect at once and takes it back if the server refuses. */
import type { Conversation, FeedbackRequest, Message } from '@parley/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { conversationsQuery, dropConversation, messagesQuery, putConversation, putMessages } from './queries.ts';
import { deleteConversation, deleteFeedback, putFeedback, renameConversation } from './routes.ts';

export function useRenameConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ conversation, title }: { conversation: Conversation; title: string }) =>
      renameConversation(conversation.id, title),
    onMutate: ({ conversation, title }) => putConversation(client, { ...conversation, title }),
    onError: (_error, { conversation }) => putConversation(client, conversation),
    onSuccess: (conversation) => putConversation(client, conversation),
  });
}

/** @param onDeleted leaves the conversation's page, before the conversation leaves the list */
export function useDeleteConversation(onDeleted: (id: string) => void | Promise<void>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => deleteConversation(id),
    onSuccess: async (_nothing, id) => {
      await onDeleted(id);
      dropConversation(client, id);
    },
    onError: () => client.invalidateQueries({ queryKey: conversationsQuery.queryKey }),
  });
}

/** `feedback: null` takes the feedback back. */
export function useFeedback(message: Message) {
  const client = useQueryClient();
  const { id, conversationId } = message;
  return useMutation({
    mutationFn: async (feedback: FeedbackRequest | null) => {
      if (feedback) return putFeedback(id, feedback);
      await deleteFeedback(id);
      return null;
    },
    // One after another, so that the last click is what the server keeps.
    scope: { id: `feedback-${id}` },
    onMutate: (feedback) => {
      const now = Date.now();
      const optimistic = feedback && { messageId: id, createdAt: now, updatedAt: now, ...feedback };
      putMessages(client, conversationId, [{ ...message, feedback: optimistic }]);
    },
    onError: () => client.invalidateQueries({ queryKey: messagesQuery(conversationId).queryKey }),
    onSuccess: (stored) => putMessages(client, conversationId, [{ ...message, feedback: stored }]),
  });
}
