// Compiles the native kernels to build/parley.node, with the machine's own C++ compiler and nothing downloaded.
//
//   *.cc           once
//   kernels/*.cc   once per instruction set, inside a namespace of that name (the essay in binding.h says why)
//
// An object is kept under a name that hashes all that went into it: its source, the headers, the flags and the
// compiler. A build that has nothing to do takes milliseconds; two builds at once do not disturb each other.
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

/** Instruction sets, weakest first: the linker keeps the first copy of a shared inline function. */
const instructionSets: Record<string, string[]> =
  process.arch === 'x64'
    ? {
        portable: [],
        avx2: ['-mavx2', '-mfma', '-mf16c', '-mbmi2'],
        avx512: avx512Flags(),
        avx512bf16: pairFlags(),
        amx: [...pairFlags(), '-mamx-tile', '-mamx-bf16', '-mamx-int8'],
      }
    : { portable: [] };

function avx512Flags(): string[] {
  const features = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd', 'fma', 'f16c', 'bmi2'];
  return [...features.map((feature) => `-m${feature}`), '-mprefer-vector-width=512'];
}

function pairFlags(): string[] {
  return [...avx512Flags(), '-mavx512bf16', '-mavx512vnni'];
}

const commonFlags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=off',
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
  '-Wno-ignored-attributes',
  '-Wno-maybe-uninitialized', // GCC 12 believes it of its own AVX-512 headers (GCC bug 105593)
  '-Wno-unknown-warning-option',
  '-DNAPI_VERSION=8',
  '-pthread',
];

interface Unit {
  source: string;
  flags: string[];
  object: string;
}

/** What an addon that is built for checking looks for. */
export type Sanitizer = 'address' | 'thread';

const sanitizerFlags: Record<Sanitizer, string[]> = {
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-g', '-O1', '-w'],
  thread: ['-fsanitize=thread', '-g', '-O1', '-w'],
};

/**
 * Brings the addon up to date and returns its path. With `sanitize` it is built separately, with checks for bad
 * memory accesses and undefined behaviour, or for data races; such an addon needs the sanitizer's runtime loaded first
 * (sanitize.ts).
 */
export async function build({
  sanitize,
  log = () => {},
}: {
  sanitize?: Sanitizer;
  log?: (line: string) => void;
} = {}): Promise<string> {
  const compiler = findCompiler();
  const outputs = join(here, 'build', sanitize ? `sanitize-${sanitize}` : '.');
  const objects = join(outputs, 'objects');
  const addon = join(outputs, 'parley.node');
  mkdirSync(objects, { recursive: true });

  const sanitizer = sanitize ? sanitizerFlags[sanitize] : [];
  const units = planUnits([...commonFlags, ...sanitizer], compiler, objects);
  const key = digest(units.map((unit) => unit.object).join());
  const keyFile = join(outputs, 'parley.key');
  if (existsSync(addon) && existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key) return addon;

  const stale = units.filter((unit) => !existsSync(unit.object));
  const started = Date.now();
  log(`Compiling ${stale.length} native objects with ${compiler.path} ...`);
  try {
    await compileAll(compiler.path, stale);
    await link(compiler.path, units, sanitizer, addon);
  } catch (error) {
    // The addon of other sources would be taken for theirs, and tests would pass on it.
    rmSync(addon, { force: true });
    rmSync(keyFile, { force: true });
    throw error;
  }
  writeAtomically(keyFile, key);
  forgetOldObjects(objects, units);
  log(`Built ${addon} in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return addon;
}

function findCompiler(): { path: string; version: string } {
  const candidates = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++'];
  for (const path of candidates) {
    try {
      return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8', stdio: 'pipe' }) };
    } catch {
      // not there: try the next
    }
  }
  const named = process.env.CXX
    ? `The C++ compiler "${process.env.CXX}" (from CXX) did not run`
    : 'No C++ compiler found';
  throw new Error(
    `${named}; tried ${candidates.join(', ')}. Parley compiles its kernels on your machine. Install one: ` +
      'Debian/Ubuntu: sudo apt-get install g++ - Fedora: sudo dnf install gcc-c++ - macOS: xcode-select --install ' +
      '(or brew install gcc) - then run: npm run build:native',
  );
}

function planUnits(flags: string[], compiler: { path: string; version: string }, objects: string): Unit[] {
  const sources = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.cc'))
      .sort()
      .map((name) => join(folder, name));
  const families = sources(join(here, 'kernels'));
  const include = [`-I${dirname(createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h'))}`];
  const apply = (macro: string, names: string[]) => `-D${macro}(F)=${names.map((name) => `F(${name})`).join(' ')}`;
  const lists = [
    apply(
      'PARLEY_FAMILIES',
      families.map((source) => basename(source, '.cc').replaceAll('-', '_')),
    ),
    apply('PARLEY_ISAS', Object.keys(instructionSets)),
  ];

  const unit = (source: string, variant: string, extra: string[]): Unit => {
    const all = [...flags, ...include, ...extra];
    const hash = digest(JSON.stringify([compiler, all, textWithHeaders(source)]));
    return { source, flags: all, object: join(objects, `${basename(source, '.cc')}-${variant}-${hash}.o`) };
  };

  return [
    ...sources(here).map((source) => unit(source, 'base', basename(source) === 'addon.cc' ? lists : [])),
    ...Object.entries(instructionSets).flatMap(([isa, machine]) =>
      families.map((source) => unit(source, isa, [...machine, `-DPARLEY_ISA=${isa}`])),
    ),
  ];
}

/** A source and, recursively, our own headers that it includes. */
function textWithHeaders(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  const headers = [...text.matchAll(/^#include "([^"]+)"/gm)].map((match) => join(dirname(path), match[1]!));
  return [text, ...headers.flatMap((header) => textWithHeaders(header, seen))];
}

async function compileAll(compiler: string, units: Unit[]): Promise<void> {
  const queue = [...units];
  const worker = async () => {
    for (let unit = queue.shift(); unit; unit = queue.shift()) {
      const temporary = `${unit.object}.${process.pid}.tmp`;
      await runCompiler(compiler, [...unit.flags, '-c', unit.source, '-o', temporary], unit.source);
      renameSync(temporary, unit.object);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function link(compiler: string, units: Unit[], extra: string[], addon: string): Promise<void> {
  const temporary = `${addon}.${process.pid}.tmp`;
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  const objects = units.map((unit) => unit.object);
  await runCompiler(compiler, [...shared, ...extra, '-pthread', '-o', temporary, ...objects], 'the addon');
  renameSync(temporary, addon);
}

async function runCompiler(compiler: string, args: string[], what: string): Promise<void> {
  try {
    const { stderr } = await run(compiler, args, { maxBuffer: 64 << 20 });
    if (stderr) process.stderr.write(stderr);
  } catch (error) {
    const output = (error as { stderr?: string }).stderr ?? String(error);
    throw new Error(`${compiler} could not compile ${what}:\n${output}`);
  }
}

/** Objects of earlier versions; those of the last hour stay, since another build may be about to link them. */
function forgetOldObjects(objects: string, units: Unit[]): void {
  const current = new Set(units.map((unit) => basename(unit.object)));
  for (const name of readdirSync(objects)) {
    const path = join(objects, name);
    if (!current.has(name) && Date.now() - statSync(path).mtimeMs > 3_600_000) rmSync(path, { force: true });
  }
}

function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    await build({ log: (line) => console.error(line) });
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
