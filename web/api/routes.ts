/** The server's routes as functions, one each; contracts/chat.ts lists them. */
import {
  type AgainRequest,
  type Conversation,
  conversationSchema,
  type Feedback,
  type FeedbackRequest,
  feedbackSchema,
  type Message,
  messageSchema,
  type SendRequest,
  type Status,
  statusSchema,
} from '@parley/contracts';
import { z } from 'zod';
import { jsonBody, type ReceivedEvent, request, requestEvents, requestNothing } from './request.ts';

const conversationListSchema = z.object({ conversations: z.array(conversationSchema) });
const messageListSchema = z.object({ messages: z.array(messageSchema) });

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return request('/api/status', statusSchema, withSignal(signal));
}

/** Newest first. */
export async function listConversations(signal?: AbortSignal): Promise<Conversation[]> {
  return (await request('/api/conversations', conversationListSchema, withSignal(signal))).conversations;
}

export function createConversation(): Promise<Conversation> {
  return request('/api/conversations', conversationSchema, { method: 'POST', ...jsonBody({}) });
}

export function renameConversation(id: string, title: string): Promise<Conversation> {
  return request(`/api/conversations/${id}`, conversationSchema, { method: 'PATCH', ...jsonBody({ title }) });
}

export function deleteConversation(id: string): Promise<void> {
  return requestNothing(`/api/conversations/${id}`, { method: 'DELETE' });
}

/** The whole tree of a conversation, oldest first. */
export async function listMessages(conversationId: string, signal?: AbortSignal): Promise<Message[]> {
  const path = `/api/conversations/${conversationId}/messages`;
  return (await request(path, messageListSchema, withSignal(signal))).messages;
}

export function streamSend(
  conversationId: string,
  body: SendRequest,
  signal: AbortSignal,
): AsyncGenerator<ReceivedEvent, void> {
  return requestEvents(`/api/conversations/${conversationId}/messages`, { method: 'POST', ...jsonBody(body), signal });
}

export function streamContinue(
  messageId: string,
  body: AgainRequest,
  signal: AbortSignal,
): AsyncGenerator<ReceivedEvent, void> {
  return requestEvents(`/api/messages/${messageId}/continue`, { method: 'POST', ...jsonBody(body), signal });
}

export function streamRegenerate(
  messageId: string,
  body: AgainRequest,
  signal: AbortSignal,
): AsyncGenerator<ReceivedEvent, void> {
  return requestEvents(`/api/messages/${messageId}/regenerate`, { method: 'POST', ...jsonBody(body), signal });
}

/** Joins an answer after an event that was received of it; without one, 'start' carries its text so far. */
export function streamAttach(
  messageId: string,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<ReceivedEvent, void> {
  const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
  return requestEvents(`/api/messages/${messageId}/stream${query}`, { signal });
}

export function stopMessage(messageId: string): Promise<void> {
  return requestNothing(`/api/messages/${messageId}/stop`, { method: 'POST', ...jsonBody({}) });
}

export function putFeedback(messageId: string, body: FeedbackRequest): Promise<Feedback> {
  return request(`/api/messages/${messageId}/feedback`, feedbackSchema, { method: 'PUT', ...jsonBody(body) });
}

export function deleteFeedback(messageId: string): Promise<void> {
  return requestNothing(`/api/messages/${messageId}/feedback`, { method: 'DELETE' });
}

function withSignal(signal: AbortSignal | undefined): RequestInit {
  return signal ? { signal } : {};
}
