/** The table of decisions as Kysely sees it. */
import type { Decision } from '@parley/contracts';
import type { Generated } from 'kysely';

export interface DecisionRow {
  id: string;
  /** Null: the visitor of a widget. */
  user_id: string | null;
  conversation_id: string | null;
  message_id: string | null;
  direction: Decision['direction'];
  rule: string;
  action: Decision['action'];
  excerpt: string;
  created_at: number;
  appeal: string | null;
  appealed_at: number | null;
  ruling: Decision['ruling'];
  ruling_text: string;
  ruled_by: string | null;
  ruled_at: number | null;
}

export interface SafetyTables {
  safety_decisions: Omit<DecisionRow, 'appeal' | 'appealed_at' | 'ruling' | 'ruling_text' | 'ruled_by' | 'ruled_at'> & {
    appeal: Generated<string | null>;
    appealed_at: Generated<number | null>;
    ruling: Generated<Decision['ruling']>;
    ruling_text: Generated<string>;
    ruled_by: Generated<string | null>;
    ruled_at: Generated<number | null>;
  };
}
