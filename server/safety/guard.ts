/** Holds the installation's settings, looks through questions and answers with them, and writes down what was decided. */
import { type SafetyAction, type SafetySettings, safetySettingsSchema } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import { type Direction, personalDataIn, Rules } from './rules.ts';
import { type Found, TextFilter } from './text-filter.ts';
import { countLetters, endsInLoop, isOtherLanguage } from './whole-text.ts';

const settingsName = 'safety';

/** Whose text it is. */
export interface TextOrigin {
  /** Null: the visitor of a widget. */
  userId: string | null;
  conversationId: string | null;
  messageId: string | null;
}

interface AnswerContext {
  question: string;
  /** What the assistant's owner wrote: instructions and passages. */
  given: readonly string[];
  /** The answer as far as an earlier run got. */
  shown?: string;
}

export class SafetyGuard {
  readonly #db: Db;
  readonly #log: FastifyBaseLogger;
  #settings: SafetySettings;
  #rules: Record<Direction, Rules>;

  private constructor(db: Db, log: FastifyBaseLogger, settings: SafetySettings) {
    this.#db = db;
    this.#log = log;
    this.#settings = settings;
    this.#rules = rulesOf(settings);
  }

  static async open(db: Db, log: FastifyBaseLogger): Promise<SafetyGuard> {
    const row = await db.selectFrom('settings').select('value').where('name', '=', settingsName).executeTakeFirst();
    return new SafetyGuard(db, log, safetySettingsSchema.parse(row ? JSON.parse(row.value) : {}));
  }

  get settings(): SafetySettings {
    return this.#settings;
  }

  async change(settings: SafetySettings): Promise<void> {
    const value = storableText(JSON.stringify(settings));
    await this.#db
      .insertInto('settings')
      .values({ name: settingsName, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute();
    this.#settings = settings;
    this.#rules = rulesOf(settings);
  }

  /**
   * Looks through a question before it is stored.
   * @returns it, masked, and what to `record` once it has an id
   * @throws HttpError 422 if a rule refuses it; that is written down already
   */
  async checkInput(origin: TextOrigin, text: string): Promise<{ text: string; found: Found[] }> {
    const found: Found[] = [];
    const filter = new TextFilter(this.#rules.input, { onFound: (one) => found.push(one) });
    const checked = filter.push(text) + filter.end();
    if (!filter.stopped) return { text: checked, found };
    await this.record(origin, 'input', found);
    const { rule } = found.at(-1)!;
    throw new HttpError(
      422,
      'refused_by_filter',
      `The rule '${rule}' does not let this through. If it is wrong about you, you can appeal.`,
    );
  }

  /** Looks through an answer while it is written. What it decides is written down as it comes. */
  filterOutput(origin: TextOrigin, { question, given, shown = '' }: AnswerContext): AnswerFilter {
    const note = (rule: string, action: SafetyAction) => this.#note(origin, { rule, action, excerpt: '' });
    const known = personalDataIn([question, ...given].join('\n'));
    const { repetition, language } = this.#settings;
    let looped = false;
    const filter = new TextFilter(this.#rules.output, {
      known,
      onFound: (found) => this.#note(origin, found),
      endsAfter: (text) => {
        if (repetition === 'off' || looped || !endsInLoop(text)) return false;
        looped = true;
        note('repetition', repetition);
        return repetition === 'refuse';
      },
    });
    filter.resume(shown);
    const letters = countLetters(shown);
    const take = (text: string) => {
      const { han, latin } = countLetters(text);
      letters.han += han;
      letters.latin += latin;
      return text;
    };
    return {
      push: (piece) => take(filter.push(piece)),
      end: () => {
        const rest = take(filter.end());
        if (language !== 'off' && isOtherLanguage(question, letters)) note('language', language);
        return rest;
      },
      get held() {
        return filter.held;
      },
      get stopped() {
        return filter.stopped;
      },
    };
  }

  async record(origin: TextOrigin, direction: Direction, found: readonly Found[]): Promise<void> {
    if (found.length === 0) return;
    const rows = found.map(({ rule, action, excerpt }) => ({
      id: uuidv7(),
      user_id: origin.userId,
      conversation_id: origin.conversationId,
      message_id: origin.messageId,
      direction,
      rule,
      action,
      // Visitors were promised that nothing they write is kept.
      excerpt: origin.userId === null ? '' : storableText(excerpt),
      created_at: Date.now(),
    }));
    await this.#db.insertInto('safety_decisions').values(rows).execute();
  }

  #note(origin: TextOrigin, found: Found): void {
    this.record(origin, 'output', [found]).catch((error: unknown) => {
      this.#log.error(error, 'a decision about an answer could not be saved');
    });
  }
}

/** Between a model and those who read its answer. */
export interface AnswerFilter {
  push(piece: string): string;
  end(): string;
  /** What `end` would give now. */
  readonly held: string;
  /** The answer ends here, whatever the model would still say. */
  readonly stopped: boolean;
}

function rulesOf(settings: SafetySettings): Record<Direction, Rules> {
  return { input: new Rules(settings, 'input'), output: new Rules(settings, 'output') };
}
