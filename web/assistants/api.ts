/** Custom assistants as the page reads and changes them: contracts/assistants.ts lists the routes. */
import {
  type Assistant,
  type AssistantDocument,
  type AssistantRequest,
  assistantDocumentSchema,
  assistantSchema,
  type Citation,
  type Claim,
  type Conversation,
  citationSchema,
  claimSchema,
  conversationSchema,
  type DocumentRequest,
  excerptSchema,
  modelChoiceSchema,
  type UploadedFile,
  uploadedFileSchema,
  type Widget,
  widgetSchema,
} from '@parley/contracts';
import { type QueryClient, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import { uploadFile } from '../api/files.ts';
import { jsonBody, request, requestNothing } from '../api/request.ts';

const assistantListSchema = z.object({ assistants: z.array(assistantSchema) });
const documentListSchema = z.object({ documents: z.array(assistantDocumentSchema) });
const citationListSchema = z.object({ citations: z.array(citationSchema) });
const claimListSchema = z.object({ claims: z.array(claimSchema) });
const modelListSchema = z.object({ models: z.array(modelChoiceSchema) });

export const assistantsQuery = queryOptions({
  queryKey: ['assistants'],
  queryFn: async ({ signal }) => (await request('/api/assistants', assistantListSchema, { signal })).assistants,
});

export function assistantQuery(id: string) {
  return queryOptions({
    queryKey: ['assistants', id],
    queryFn: ({ signal }) => request(`/api/assistants/${id}`, assistantSchema, { signal }),
    retry: false,
  });
}

export const modelChoicesQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async ({ signal }) => (await request('/api/models', modelListSchema, { signal })).models,
});

export function documentsQuery(assistantId: string) {
  return queryOptions({
    queryKey: ['assistants', assistantId, 'documents'],
    queryFn: async ({ signal }) =>
      (await request(`/api/assistants/${assistantId}/documents`, documentListSchema, { signal })).documents,
    // While the server reads one, ask again soon.
    refetchInterval: ({ state }) => (state.data?.some((document) => document.state === 'reading') ? 700 : false),
  });
}

export function citationsQuery(conversationId: string) {
  return queryOptions({
    queryKey: ['citations', conversationId],
    queryFn: async ({ signal }) =>
      (await request(`/api/conversations/${conversationId}/citations`, citationListSchema, { signal })).citations,
  });
}

export function excerptQuery({ documentId, start, end }: Pick<Citation, 'documentId' | 'start' | 'end'>) {
  return queryOptions({
    queryKey: ['excerpt', documentId, start, end],
    queryFn: ({ signal }) =>
      request(`/api/documents/${documentId}/excerpt?start=${start}&end=${end}`, excerptSchema, { signal }),
    enabled: documentId !== null,
    retry: false,
  });
}

/** What is said in an answer, compared with the assistant's documents. */
export async function verifyAnswer(messageId: string): Promise<Claim[]> {
  const path = `/api/messages/${messageId}/verify`;
  return (await request(path, claimListSchema, { method: 'POST', ...jsonBody({}) })).claims;
}

/** @param id null: a new one */
export function saveAssistant(id: string | null, body: AssistantRequest): Promise<Assistant> {
  const [path, method] = id === null ? ['/api/assistants', 'POST'] : [`/api/assistants/${id}`, 'PUT'];
  return request(path, assistantSchema, { method, ...jsonBody(body) });
}

export function deleteAssistant(id: string): Promise<void> {
  return requestNothing(`/api/assistants/${id}`, { method: 'DELETE' });
}

/** A conversation that belongs to the assistant. */
export function startConversation(assistantId: string): Promise<Conversation> {
  return request(`/api/assistants/${assistantId}/conversations`, conversationSchema, {
    method: 'POST',
    ...jsonBody({}),
  });
}

const lookAgainMilliseconds = 300;

/** Uploads a file and waits until the server has read it, or given up. */
export async function readFile(file: File): Promise<UploadedFile> {
  let uploaded = await uploadFile(file, new AbortController().signal);
  while (uploaded.state === 'reading') {
    await new Promise((resolve) => setTimeout(resolve, lookAgainMilliseconds));
    uploaded = await request(`/api/files/${uploaded.id}`, uploadedFileSchema);
  }
  return uploaded;
}

export function addDocument(assistantId: string, body: DocumentRequest): Promise<AssistantDocument> {
  return request(`/api/assistants/${assistantId}/documents`, assistantDocumentSchema, {
    method: 'POST',
    ...jsonBody(body),
  });
}

export function widgetQuery(assistantId: string) {
  return queryOptions({
    queryKey: ['assistants', assistantId, 'widget'],
    queryFn: ({ signal }) => request(`/api/assistants/${assistantId}/widget`, widgetSchema, { signal }),
  });
}

export function saveWidget(assistantId: string, body: Widget): Promise<Widget> {
  return request(`/api/assistants/${assistantId}/widget`, widgetSchema, { method: 'PUT', ...jsonBody(body) });
}

export function useDeleteDocument(assistantId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => requestNothing(`/api/documents/${id}`, { method: 'DELETE' }),
    onSettled: () => client.invalidateQueries({ queryKey: documentsQuery(assistantId).queryKey }),
  });
}

export function putAssistant(client: QueryClient, assistant: Assistant): void {
  client.setQueryData(assistantQuery(assistant.id).queryKey, assistant);
  void client.invalidateQueries({ queryKey: assistantsQuery.queryKey, exact: true });
}
