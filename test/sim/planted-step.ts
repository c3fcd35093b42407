import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { step } from '../../server/core/coordinator.ts';
import type { PlantedBug } from './raft/planted-bugs.ts';
import { compile, copiesFolder, mutate, projectFolder } from './raft/planted-core.ts';

const entry = 'server/core/coordinator.ts';

/** JavaScript of the core and of what it imports, by path. */
function compileAll(): ReadonlyMap<string, string> {
  const compiled = new Map<string, string>();
  const visit = (path: string): void => {
    if (compiled.has(path)) return;
    const source = readFileSync(join(projectFolder, path), 'utf8');
    compiled.set(path, compile(source));
    for (const [, specifier = ''] of source.matchAll(/^(?!import type).* from '(\.[^']+)';$/gm))
      visit(join(dirname(path), specifier));
  };
  visit(entry);
  return compiled;
}

let compiled: ReadonlyMap<string, string> | undefined;

/** Loads a copy of the core that differs from the real one by the bug alone. */
export async function loadStep(bug: PlantedBug): Promise<typeof step> {
  compiled ??= compileAll();
  const folder = join(copiesFolder, bug.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  for (const [path, script] of new Map(compiled).set(bug.file, mutate(bug))) {
    const target = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, script);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const path = join(folder, entry.replace(/\.ts$/, '.js'));
  const loaded = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { step: typeof step };
  return loaded.step;
}
