/** Filters and what they decided, as the page reads and changes them: contracts/safety.ts lists the routes. */
import {
  type Decision,
  decisionSchema,
  type ReviewedDecision,
  type Ruling,
  reviewedDecisionSchema,
  type SafetySettings,
  safetySettingsSchema,
} from '@parley/contracts';
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { z } from 'zod';
import { jsonBody, request } from '../api/request.ts';

const decisionListSchema = z.object({ decisions: z.array(decisionSchema) });
const reviewListSchema = z.object({ decisions: z.array(reviewedDecisionSchema) });

/** Those about oneself, newest first. */
export const decisionsQuery = queryOptions({
  queryKey: ['decisions'],
  queryFn: async ({ signal }) => (await request('/api/decisions', decisionListSchema, { signal })).decisions,
});

export function conversationDecisionsQuery(conversationId: string) {
  return queryOptions({
    queryKey: ['decisions', 'conversation', conversationId],
    queryFn: async ({ signal }) =>
      (await request(`/api/conversations/${conversationId}/decisions`, decisionListSchema, { signal })).decisions,
  });
}

export const safetySettingsQuery = queryOptions({
  queryKey: ['safety', 'settings'],
  queryFn: ({ signal }) => request('/api/safety/settings', safetySettingsSchema, { signal }),
});

export function reviewQuery(appealedOnly: boolean) {
  return queryOptions({
    queryKey: ['safety', 'decisions', appealedOnly],
    queryFn: async ({ signal }) =>
      (await request(`/api/safety/decisions?appealed=${appealedOnly}`, reviewListSchema, { signal })).decisions,
  });
}

export function appealDecision(id: string, text: string): Promise<Decision> {
  return request(`/api/decisions/${id}/appeal`, decisionSchema, { method: 'POST', ...jsonBody({ text }) });
}

export function ruleOnDecision(id: string, ruling: Ruling, text: string): Promise<ReviewedDecision> {
  const path = `/api/safety/decisions/${id}/ruling`;
  return request(path, reviewedDecisionSchema, { method: 'POST', ...jsonBody({ ruling, text }) });
}

export function changeSafetySettings(settings: SafetySettings): Promise<SafetySettings> {
  return request('/api/safety/settings', safetySettingsSchema, { method: 'PUT', ...jsonBody(settings) });
}

/** Decisions came or changed: whoever shows any asks again. */
export function decisionsChanged(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: ['decisions'] });
}
