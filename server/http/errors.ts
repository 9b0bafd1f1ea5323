/** Errors that become a status and one clear line for the client, on every route alike. */
import type { FastifyError, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** An error with an HTTP status, thrown anywhere below a route. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly statusCode: number;
  readonly code: string;
  /** The request field at fault, where there is one: 'messages[0].role'. */
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(
    statusCode: number,
    code: string,
    message: string,
    { param = null, retryAfterSeconds = null }: { param?: string | null; retryAfterSeconds?: number | null } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.param = param;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Checks untrusted input against a contract; the first problem becomes a 400 that names its field. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0]!);
  const param = fieldName(issue.path);
  throw new HttpError(400, 'invalid_request', param ? `${param}: ${issue.message}` : issue.message, {
    param: param || null,
  });
}

/** A union fails with one list of problems per branch; the branch that got furthest explains most. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const candidates = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepest);
  const best = candidates.sort((a, b) => b.path.length - a.path.length)[0];
  if (!best || best.path.length === 0) return issue;
  return { ...best, path: [...issue.path, ...best.path] };
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : name ? `${name}.${String(key)}` : String(key)),
    '',
  );
}

/** What a client is told about any error; what is our own fault is logged and stays unnamed. */
export function toHttpError(error: unknown, request: FastifyRequest): HttpError {
  if (error instanceof HttpError) return error;
  const { code, statusCode, message, syscall } = error as Partial<FastifyError & NodeJS.ErrnoException>;
  if (diskFull.includes(code ?? '')) {
    request.log.error(error);
    return new HttpError(
      507,
      'disk_full',
      'The disk is full, so this could not be saved. Free some space and try again.',
    );
  }
  const noSocket = code === 'ENOENT' && syscall === 'connect';
  if (databaseAway.includes(code ?? '') || noSocket || connectionLost.test(message ?? '')) {
    request.log.error(error);
    return new HttpError(503, 'busy', 'The database is busy or away. Try again.', { retryAfterSeconds: 1 });
  }
  if (unstorableText.includes(code ?? '')) {
    return new HttpError(400, 'invalid_request', 'The request holds a character that cannot be stored or looked for.');
  }
  const fromFastify = clientErrors[code ?? ''];
  if (fromFastify) return new HttpError(statusCode ?? 400, fromFastify.code, fromFastify.message ?? message ?? '');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpError(statusCode, 'invalid_request', message ?? 'The request could not be read.');
  }
  request.log.error(error);
  return new HttpError(500, 'internal_error', `Something went wrong in the server; its log has request ${request.id}.`);
}

/** SQLite, PostgreSQL (SQLSTATE) and the file system. */
const diskFull = ['SQLITE_FULL', '53100', 'ENOSPC'];
/** Locked too long; PostgreSQL shutting down, starting, full of connections, or not there. */
const databaseAway = [
  'SQLITE_BUSY',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08006',
  '08001',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
];
/** What pg says of a connection that broke under a query, without a code. */
const connectionLost = /^(Connection terminated|Client has encountered a connection error)/;

/** PostgreSQL's for NUL and for what is no UTF-8. */
const unstorableText = ['22021', '22P05'];

const clientErrors: Record<string, { code: string; message?: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    message: 'Send JSON, with the header content-type: application/json.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', message: 'The request body is larger than 1 MB.' },
  FST_ERR_BAD_URL: { code: 'invalid_request', message: 'The address is not a valid one.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'invalid_request', message: 'A part of the address is longer than any id.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid_json', message: 'The request body is not valid JSON.' },
};
