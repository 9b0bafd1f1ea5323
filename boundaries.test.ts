/**
 * The import table of ARCHITECTURE.md, checked on the source: who may import whom, no cycles between files,
 * and no package that the workspace does not declare.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = import.meta.dirname;

const mayImport: Record<string, readonly string[]> = {
  contracts: [],
  engine: [],
  lm: ['engine', 'contracts'],
  recipes: ['lm', 'engine', 'contracts'],
  server: ['lm', 'engine', 'contracts'],
  web: ['contracts'],
  bench: ['recipes', 'lm', 'engine', 'contracts'],
  cli: ['bench', 'server', 'recipes', 'lm', 'engine', 'contracts'],
  e2e: ['cli', 'server', 'web', 'recipes', 'lm', 'engine', 'contracts'],
};

interface SourceFile {
  path: string;
  workspace: string;
  imports: string[];
}

function sourceFiles(workspace: string): SourceFile[] {
  const entries = readdirSync(join(root, workspace), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules') && !path.includes('/dist/') && !path.includes('/build/'))
    .map((path) => ({ path, workspace, imports: importsOf(readFileSync(join(root, path), 'utf8')) }));
}

function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = [...code.matchAll(/^\s*(?:import|export)\b(?!\s+type\b)[^;'"]*?from\s*['"]([^'"]+)['"]/gm)];
  const typeOnly = [...code.matchAll(/^\s*(?:import|export)\s+type\b[^;'"]*?from\s*['"]([^'"]+)['"]/gm)];
  const bare = [...code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)];
  const dynamic = [...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)];
  return [...found, ...typeOnly, ...bare, ...dynamic].map((match) => match[1]!);
}

const files = Object.keys(mayImport).flatMap(sourceFiles);

test('every workspace is read', () => {
  for (const workspace of Object.keys(mayImport)) {
    expect(
      files.some((file) => file.workspace === workspace),
      workspace,
    ).toBe(true);
  }
  expect(importsOf("import {\n  a,\n} from './a.ts';\nexport * from './b.ts';\nawait import('./c.ts');")).toEqual([
    './a.ts',
    './b.ts',
    './c.ts',
  ]);
});

test('imports obey the table', () => {
  const violations: string[] = [];
  for (const file of files) {
    const isTest = file.path.includes('.test.');
    for (const specifier of file.imports) {
      const target = specifier.startsWith('@parley/')
        ? specifier.split('/')[1]!
        : specifier.startsWith('.')
          ? relative(root, resolve(root, dirname(file.path), specifier)).split('/')[0]!
          : undefined;
      if (target === undefined || target === file.workspace) continue;
      if (isTest && target === 'vitest.config.ts') continue;
      if (!mayImport[file.workspace]!.includes(target)) violations.push(`${file.path} imports ${specifier}`);
      else if (specifier.startsWith('.')) violations.push(`${file.path} reaches into ${target} by path: ${specifier}`);
    }
  }
  expect(violations).toEqual([]);
});

test('every package that is imported is declared by its own workspace, or at the root for tests', () => {
  const rootPackage = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const undeclared: string[] = [];
  for (const file of files) {
    const own = JSON.parse(readFileSync(join(root, file.workspace, 'package.json'), 'utf8'));
    const declared = { ...own.dependencies, ...own.devDependencies, ...rootPackage.devDependencies };
    for (const specifier of file.imports) {
      if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier)) continue;
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (name === own.name || name in declared || name === 'vitest') continue;
      undeclared.push(`${file.path}: ${name}`);
    }
  }
  expect(undeclared).toEqual([]);
});

test('no import cycles', () => {
  const known = new Set(files.map((file) => file.path));
  const packageEntry = (specifier: string): string => {
    const [, workspace, ...rest] = specifier.split('/');
    return join(workspace!, ...rest, 'index.ts');
  };
  const edges = new Map(
    files.map((file) => [
      file.path,
      file.imports
        .map((specifier) =>
          specifier.startsWith('.')
            ? relative(root, resolve(root, dirname(file.path), specifier))
            : specifier.startsWith('@parley/')
              ? packageEntry(specifier)
              : '',
        )
        .filter((path) => known.has(path)),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (finished.has(path)) return;
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const file of files) visit(file.path, []);
  expect(cycles).toEqual([]);
});
