/** The tables of accounts as Kysely sees them. */
import type { AccountRole } from '@parley/contracts';
import type { Generated } from 'kysely';

export interface AccountTables {
  users: {
    id: string;
    name: string;
    created_at: number;
    /** Lower case; null in an installation that has no account yet. */
    email: string | null;
    role: Generated<AccountRole>;
    /** Argon2id in PHC form; null until a password was chosen. */
    password_hash: string | null;
    disabled_at: number | null;
    reset_asked_at: number | null;
  };
  sessions: {
    id: string;
    user_id: string;
    token_hash: string;
    address: string;
    user_agent: string;
    created_at: number;
    last_seen_at: number;
    expires_at: number;
  };
  password_links: {
    id: string;
    user_id: string;
    token_hash: string;
    created_at: number;
    expires_at: number;
  };
  api_keys: {
    id: string;
    user_id: string;
    name: string;
    key_hash: string;
    ending: string;
    /** JSON list of `ApiScope`. */
    scopes: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
  token_usage: { user_id: string; day: number; tokens: number };
  /** `value` is JSON. */
  settings: { name: string; value: string };
  audit_log: {
    id: string;
    actor_id: string | null;
    actor_name: string | null;
    action: string;
    subject: string;
    /** JSON object. */
    detail: string;
    address: string;
    created_at: number;
  };
}
