// Runs the engine's tests on kernels that are compiled with AddressSanitizer and UndefinedBehaviorSanitizer: reads and
// writes outside an array, use after free, misaligned access and signed overflow end the run with a stack trace.
// Node itself is not instrumented, so the sanitizer's runtime is loaded into it first (LD_PRELOAD).
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

try {
  if (process.platform !== 'linux') throw new Error('The sanitizers run on Linux only: they need LD_PRELOAD.');
  const addon = await build({ sanitize: true, log: (line) => console.error(line) });
  const runtimes = ['libasan.so', 'libubsan.so'].map(runtimeLibrary).join(' ');
  const tests = process.argv.length > 2 ? process.argv.slice(2) : ['engine'];
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', '--testTimeout', '600000', ...tests],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        LD_PRELOAD: runtimes,
        PARLEY_NATIVE: addon,
        // Node's own memory lives until it exits, which would be reported as leaks.
        ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
        UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
      },
    },
  );
  console.error(status === 0 ? 'No bad memory access, no undefined behaviour.' : 'The sanitized tests failed.');
  process.exitCode = status ?? 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

/** The path of a library that comes with g++; sanitized builds use g++ unless CXX names another compiler. */
function runtimeLibrary(name: string): string {
  const compiler = process.env.CXX ?? 'g++';
  const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  if (path === name) throw new Error(`${compiler} has no ${name}. Run this with g++ (apt-get install g++), not clang.`);
  return path;
}
