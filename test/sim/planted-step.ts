import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { step } from '../../server/core/coordinator.ts';
import type { PlantedBug } from './raft/planted-bugs.ts';
import { compile, projectFolder, writeCopy } from './raft/planted-core.ts';

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
  const url = writeCopy(bug, compiled)(entry);
  const loaded = (await import(/* @vite-ignore */ url)) as { step: typeof step };
  return loaded.step;
}
