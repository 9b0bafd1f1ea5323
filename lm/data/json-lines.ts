/** Files of one JSON object a line, and what a line of a snapshot is. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A line of a file, and where it is, for messages. */
export interface JsonLine {
  value: object;
  where: string;
}

export type LineKind = 'rankings' | 'pairs' | 'thumbs' | 'demonstrations' | 'labels';

/** @throws Error for a line of no known shape */
export function kindOf({ value, where }: JsonLine): LineKind {
  if ('answers' in value && 'ranking' in value) return 'rankings';
  if ('chosen' in value) return 'pairs';
  if ('thumb' in value) return 'thumbs';
  if ('messages' in value) return 'demonstrations';
  if ('labels' in value) return 'labels';
  throw new Error(
    `${where} has neither answers and ranking, nor chosen and rejected, nor answer and thumb or labels, nor messages`,
  );
}

/** @throws Error that names the first line that is not a JSON object */
export function readJsonLines(file: string): { hash: string; lines: JsonLine[] } {
  const bytes = readFileSync(file);
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      const where = `${file}:${index + 1}`;
      const value = parseLine(line, where);
      if (typeof value !== 'object' || value === null) throw new Error(`${where} is not a JSON object`);
      return [{ value, where }];
    });
  return { hash: createHash('sha256').update(bytes).digest('hex'), lines };
}

function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`${where} is not JSON`);
  }
}
