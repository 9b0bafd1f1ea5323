/**
 * Files and folders that are there whole or not at all.
 *
 * A file is written under a temporary name beside its target, flushed to the disk (fsync), renamed over the
 * target, and the folder that holds the name is flushed too. rename(2) is atomic, so a reader, or the next run
 * after a kill or a power cut, sees the old content or the new one and never a half. Leftovers of a killed
 * writer carry the suffix `.partial-PID` and are never read.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a file is filled with: text (written as UTF-8), bytes, or bytes that are produced while they are written. */
export type Content = string | Uint8Array | Iterable<Uint8Array>;

/** The disk, a quota or a file-size limit has no room left. Nothing that was saved before is lost. */
export class DiskFullError extends Error {
  override name = 'DiskFullError';
  constructor(path: string, cause: unknown) {
    super(
      `could not write ${path}: the disk is full (or a quota is used up); free some space and run again, nothing saved before is lost`,
      { cause },
    );
  }
}

/**
 * Replaces the file at `path`, making its folder if need be. On any failure the old content stays and the
 * temporary file is removed.
 * @throws DiskFullError when there is no room
 */
export function writeFileAtomic(path: string, content: Content): void {
  const temporary = partialName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeThrough(temporary, content);
    renameSync(temporary, path);
    flushFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw explain(path, error);
  }
}

/**
 * Fills a new folder through `fill(temporaryFolder)`, flushes every file in it and renames it to `path`. A folder
 * that is there already is moved aside for the instant of the change and then removed.
 * @throws DiskFullError when there is no room; whatever `fill` throws, after the temporary folder is removed
 */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
  const temporary = partialName(path);
  const aside = `${partialName(path)}-old`;
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    fill(temporary);
    for (const entry of readdirSync(temporary, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) flush(join(entry.parentPath, entry.name));
    }
    flushFolder(temporary);
    if (existsSync(path)) renameSync(path, aside);
    renameSync(temporary, path);
    flushFolder(dirname(path));
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (existsSync(aside) && !existsSync(path)) renameSync(aside, path);
    rmSync(temporary, { recursive: true, force: true });
    throw explain(path, error);
  }
}

/** Removes what killed writers left in `folder`. Call it only while no other process writes there. */
export function removePartials(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/\.partial-\d+(-old)?$/.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Flushes a file's content from the page cache to the disk. */
export function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Writes every byte or throws: a nearly full disk first takes a part of a buffer and refuses only the next. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) {
    offset += writeSync(file, bytes, offset, bytes.length - offset);
  }
}

function writeThrough(path: string, content: Content): void {
  const file = openSync(path, 'w');
  try {
    if (typeof content === 'string') writeFully(file, Buffer.from(content));
    else if (content instanceof Uint8Array) writeFully(file, content);
    else for (const bytes of content) writeFully(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function partialName(path: string): string {
  return join(dirname(path), `${basename(path)}.partial-${process.pid}`);
}

function flushFolder(folder: string): void {
  // Windows cannot open a folder; its renames are journalled by the file system.
  if (process.platform !== 'win32') flush(folder);
}

function explain(path: string, error: unknown): unknown {
  if (error instanceof DiskFullError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' ? new DiskFullError(path, error) : error;
}
