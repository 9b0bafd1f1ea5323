// Runs the engine's tests on kernels that are compiled to be watched:
//
//   address   AddressSanitizer and UndefinedBehaviorSanitizer: reads and writes outside an array, use after free,
//             misaligned access and signed overflow end the run with a stack trace. All tests of the engine.
//   thread    ThreadSanitizer: two threads that touch the same memory, one of them writing, without the pool's dispatch
//             or barrier in between. The tests that put whole training steps through the pool.
//
// Node itself is not instrumented, so the sanitizer's runtime is loaded into it first (LD_PRELOAD).
//
//   tsx engine/native/sanitize.ts [address|thread] [TEST ...]     both, if none is named
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Sanitizer } from './build.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

interface Check {
  runtimes: string[];
  tests: string[];
  environment: Record<string, string>;
}

const checks: Record<Sanitizer, Check> = {
  address: {
    runtimes: ['libasan.so', 'libubsan.so'],
    tests: ['engine'],
    environment: {
      // Node's own memory lives until it exits, which would be reported as leaks; and a test asks for too much.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
  },
  thread: {
    runtimes: ['libtsan.so'],
    tests: ['engine/tape', 'engine/ops', 'engine/native/gemm'],
    environment: { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:halt_on_error=1:abort_on_error=1' },
  },
};

try {
  if (process.platform !== 'linux') throw new Error('The sanitizers run on Linux only: they need LD_PRELOAD.');
  const [first, ...rest] = process.argv.slice(2);
  const named: Sanitizer | null = first === 'address' || first === 'thread' ? first : null;
  const tests = named !== null || first === undefined ? rest : [first, ...rest];
  const wanted: Sanitizer[] = named !== null ? [named] : ['address', 'thread'];
  for (const sanitizer of wanted) await run(sanitizer, tests);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function run(sanitizer: Sanitizer, tests: string[]): Promise<void> {
  const { runtimes, tests: usual, environment } = checks[sanitizer];
  const addon = await build({ sanitize: sanitizer, log: (line) => console.error(line) });
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...['--project', 'unit', '--testTimeout', '600000'],
      ...(tests.length > 0 ? tests : usual),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...environment,
        LD_PRELOAD: runtimes.map(runtimeLibrary).join(' '),
        PARLEY_NATIVE: addon,
      },
    },
  );
  if (status !== 0) throw new Error(`The tests failed under the ${sanitizer} sanitizer.`);
  console.error(sanitizer === 'thread' ? 'No data race.' : 'No bad memory access, no undefined behaviour.');
}

/** The path of a library that comes with g++; sanitized builds use g++ unless CXX names another compiler. */
function runtimeLibrary(name: string): string {
  const compiler = process.env.CXX ?? 'g++';
  const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  if (path === name) throw new Error(`${compiler} has no ${name}. Run this with g++ (apt-get install g++), not clang.`);
  return path;
}
