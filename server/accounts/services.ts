/** What the routes of accounts work with. */
import type { Db } from '../db/database.ts';
import type { SendMail } from './mail.ts';
import type { Sessions } from './sessions.ts';
import type { SettingsStore } from './settings.ts';
import type { TokenUsage } from './usage.ts';

export interface AccountServices {
  db: Db;
  sessions: Sessions;
  settings: SettingsStore;
  usage: TokenUsage;
  /** Null where the server cannot send mail. */
  sendMail: SendMail | null;
  /** Where people reach the server: what links in mails begin with. */
  publicUrl: () => string;
  /** Ends what runs for an account before it is deleted. */
  stopAnswersOf: (userId: string) => Promise<void>;
}
