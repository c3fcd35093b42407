import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { RaftCore } from './core.ts';
import type { PlantedBug } from './planted-bugs.ts';

export const projectFolder = join(import.meta.dirname, '../../..');
/** Below a folder that no build, package or commit takes anything from. */
const copiesFolder = join(projectFolder, 'node_modules/.cache/gradswarm-planted-bugs', String(process.pid));

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

export function compile(text: string): string {
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(join(projectFolder, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}

/** JavaScript of the core and of what it imports, by path. */
const compiled: ReadonlyMap<string, string> = new Map(
  [...sourcesIn('server/raft'), ...sourcesIn('shared/base')].map((path) => [
    path,
    compile(readFileSync(join(projectFolder, path), 'utf8')),
  ]),
);

/** @throws Error when the text to be replaced is not there exactly once: then the core has moved on, and the bug must. */
function mutate({ name, file, text, replacement }: PlantedBug): string {
  const source = readFileSync(join(projectFolder, file), 'utf8');
  const count = source.split(text).length - 1;
  if (count !== 1)
    throw new Error(`"${name}": its text occurs ${count} times in ${file}; it must occur once.`);
  return compile(source.replace(text, () => replacement));
}

/** Writes the compiled files, but for the one that has the bug. Returns what `import` takes for a source file of the copy. */
export function writeCopy(
  bug: PlantedBug,
  compiled: ReadonlyMap<string, string>,
): (sourcePath: string) => string {
  const folder = join(copiesFolder, bug.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  const files = new Map(compiled).set(bug.file, mutate(bug));
  for (const [path, script] of files) {
    const target = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, script);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return (path) => pathToFileURL(join(folder, path.replace(/\.ts$/, '.js'))).href;
}

/** Loads a copy of the core that differs from the real one by the bug alone. */
export async function loadWithBug(bug: PlantedBug): Promise<RaftCore> {
  const urlOf = writeCopy(bug, compiled);
  const { createRaft } = await import(/* @vite-ignore */ urlOf('server/raft/create-raft.ts'));
  const { SessionTable } = await import(/* @vite-ignore */ urlOf('server/raft/session-table.ts'));
  return { createRaft, SessionTable };
}

export function removeCopies(): void {
  rmSync(copiesFolder, { recursive: true, force: true });
}
