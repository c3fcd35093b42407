import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The rules of the code that a machine can hold: who may import whom, what pure zones may not name, and how long a
 * file may grow. A row of the table that no file needs fails as well, so that the table stays the truth.
 */
const root = join(import.meta.dirname, '..');

/** Folder -> folders that it may import, itself included by default. First match wins, longest prefix first. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  'shared/base': [],
  'shared/tensor': ['shared/base'],
  'shared/codec': ['shared/base', 'shared/tensor'],
  'shared/sync': ['shared/base', 'shared/tensor'],
  'shared/optim': ['shared/base', 'shared/tensor', 'shared/codec'],
  'shared/model': ['shared/base', 'shared/tensor'],
  'shared/data': ['shared/base'],
  'shared/job': ['shared/base', 'shared/codec', 'shared/data', 'shared/model', 'shared/optim', 'shared/sync'],
  'shared/protocol': ['shared/base', 'shared/tensor', 'shared/gen'],
  'shared/gen': [],
  'shared/system': ['shared/protocol'],
  'server/core': [
    'shared/base',
    'shared/tensor',
    'shared/codec',
    'shared/sync',
    'shared/model',
    'shared/data',
    'shared/job',
  ],
  'server/raft': ['shared/base'],
  'server/runtime': ['server/core', 'server/raft', 'shared'],
  'server/net': ['server/core', 'shared'],
  'server/net/peers': ['server/core', 'server/net', 'server/raft', 'server/runtime', 'shared'],
  'server/storage': ['server/raft', 'server/runtime', 'shared'],
  'server/http': ['server/runtime', 'server/core', 'shared'],
  server: ['server', 'shared'],
  'client/worker': ['shared'],
  'client/web': ['shared'],
  'client/browser': ['client/worker', 'client/web', 'shared'],
  'client/admin': ['client/web', 'shared'],
  'client/node': ['client/worker', 'shared'],
  'client/cli': ['client', 'server', 'shared'],
};

const pureZones = [
  'shared/base',
  'shared/tensor',
  'shared/codec',
  'shared/sync',
  'shared/optim',
  'shared/model',
  'shared/data',
  'shared/job',
  'shared/protocol',
  'server/core',
  'server/raft',
];
const bannedInPureZones = [
  /\bDate\.now\b/,
  /\bMath\.random\b/,
  /\bnew Date\(/,
  /\bsetTimeout\b/,
  /\bsetInterval\b/,
  /\bperformance\.now\b/,
  /\bconsole\./,
  /from 'node:/,
];
const fileLinesMax = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(root, folder)).flatMap((name): SourceFile[] => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return sourceFiles(path);
    if (!/\.tsx?$/.test(name)) return [];
    const text = readFileSync(join(root, path), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^'?]+)/g)].map(
      (match) => match[1] ?? '',
    );
    return [
      { path, text, imports: specifiers.map((specifier) => normalize(join(dirname(path), specifier))) },
    ];
  });
}

const files = ['shared', 'server', 'client'].flatMap(sourceFiles);
const handWritten = files.filter(
  ({ path }) => !path.startsWith('shared/gen/') && !path.endsWith('kernels-binary.ts'),
);

function zoneOf(path: string): string | undefined {
  return Object.keys(allowedImports)
    .filter((zone) => path.startsWith(`${zone}/`))
    .sort((left, right) => right.length - left.length)[0];
}

function isAllowed(zone: string, target: string): boolean {
  const allowed = [zone, ...(allowedImports[zone] ?? [])];
  return allowed.some((prefix) => target.startsWith(`${prefix}/`));
}

describe('the import table', () => {
  it('covers every file', () => {
    expect(files.filter(({ path }) => zoneOf(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('is kept', () => {
    const broken = files.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !isAllowed(zoneOf(path) ?? '', target))
        .map((target) => `${path} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('has no stale row', () => {
    const needed = new Set(
      files.flatMap(({ path, imports }) => imports.map((target) => `${zoneOf(path)} ${target}`)),
    );
    const isNeeded = (zone: string, prefix: string) =>
      [...needed].some(
        (pair) => pair.startsWith(`${zone} ${prefix}/`) && !pair.startsWith(`${zone} ${zone}/`),
      );
    const stale = Object.entries(allowedImports).flatMap(([zone, targets]) =>
      targets
        .filter((prefix) => prefix !== zone && !isNeeded(zone, prefix))
        .map((prefix) => `${zone} -> ${prefix}`),
    );
    expect(stale).toEqual([]);
  });

  it('keeps mains and tests unimported', () => {
    const wrong = files.flatMap(({ path, imports }) =>
      imports
        .filter(
          (target) =>
            target.startsWith('test/') ||
            (/(^|\/|-)main\.tsx?$/.test(target) && !path.startsWith('client/cli/')),
        )
        .map((target) => `${path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no cycle', () => {
    const graph = new Map(files.map(({ path, imports }) => [path, imports]));
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'open') cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      if (state.has(path)) return;
      state.set(path, 'open');
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
      state.set(path, 'done');
    };
    for (const path of graph.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });
});

describe('pure zones', () => {
  it('name no clock, chance, timer, console or Node module', () => {
    const found = handWritten
      .filter(({ path }) => pureZones.some((zone) => path.startsWith(`${zone}/`)))
      .flatMap(({ path, text }) =>
        bannedInPureZones.filter((banned) => banned.test(text)).map((banned) => `${path}: ${banned}`),
      );
    expect(found).toEqual([]);
  });
});

describe('files', () => {
  it('stay short', () => {
    const long = handWritten
      .map(({ path, text }) => ({ path, lines: text.split('\n').length }))
      .filter(({ lines }) => lines > fileLinesMax);
    expect(long).toEqual([]);
  });

  it('have no default export, no any and no switched-off check', () => {
    const banned = [
      /^export default/m,
      /\bas any\b|: any\b|<any>/,
      /@ts-(ignore|nocheck|expect-error)/,
      /biome-ignore/,
    ];
    const found = handWritten.flatMap(({ path, text }) =>
      banned.filter((rule) => rule.test(text)).map((rule) => `${path}: ${rule}`),
    );
    expect(found).toEqual([]);
  });

  it('keep the tests whole', () => {
    const testFiles = sourceFiles('test').filter(({ path }) => path !== relative(root, import.meta.filename));
    const found = testFiles
      .filter(({ text }) => /\.(skip|only|todo|skipIf|runIf)\(|retry:|retries:/.test(text))
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });

  it('pin every package to one version', () => {
    const packages = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
      .flatMap((group) => Object.entries(packages[group] ?? {}))
      .filter(([, version]) => !/^\d/.test(version));
    expect(loose).toEqual([]);
  });
});

describe('the change log', () => {
  it('has an Unreleased section', () => {
    expect(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).toContain('## Unreleased');
  });
});
