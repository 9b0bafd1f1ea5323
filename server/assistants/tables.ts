/** The tables of assistants as Kysely sees them. */
import type { AssistantDocument, AssistantVisibility } from '@parley/contracts';

export interface AssistantRow {
  id: string;
  owner_id: string;
  name: string;
  instructions: string;
  /** JSON of the list of questions. */
  example_questions: string;
  model: string | null;
  visibility: AssistantVisibility;
  created_at: number;
  updated_at: number;
}

export interface DocumentRow {
  id: string;
  assistant_id: string;
  name: string;
  text: string;
  state: AssistantDocument['state'];
  failure: string | null;
  created_at: number;
}

interface PassageRow {
  document_id: string;
  position: number;
  start_offset: number;
  end_offset: number;
  /** How many terms it has: its length, to BM25. */
  terms: number;
}

interface DocumentTermRow {
  document_id: string;
  term: string;
  /** Pairs: the position of a passage, and how often the term stands in it. */
  postings: Buffer | ArrayBuffer;
}

export interface CitationRow {
  message_id: string;
  number: number;
  document_id: string | null;
  document_name: string;
  start_offset: number;
  end_offset: number;
  text: string;
}

interface WidgetRow {
  assistant_id: string;
  enabled: number;
  /** JSON of the list of origins. */
  origins: string;
}

export interface AssistantTables {
  assistants: AssistantRow;
  documents: DocumentRow;
  passages: PassageRow;
  document_terms: DocumentTermRow;
  citations: CitationRow;
  widgets: WidgetRow;
}
