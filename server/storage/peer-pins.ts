import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { PeerPins } from '../runtime/peers.ts';
import { writeDurableFile } from './durable-files.ts';

const fileName = 'peers.json';
const incarnationPattern = /^[0-9a-f]{16}$/;

/** Pins in `peers.json` of the data folder, written anew with every change. @throws GradswarmError `corrupted`. */
export function openPeerPins(dataFolder: string): PeerPins {
  const path = join(dataFolder, fileName);
  let pins = readPins(path);
  const write = (changed: ReadonlyMap<NodeId, string>): void => {
    const content = `${JSON.stringify({ incarnations: Object.fromEntries(changed) })}\n`;
    writeDurableFile(path, `${path}.new`, new TextEncoder().encode(content));
    pins = changed;
  };
  return {
    pinned: (id) => pins.get(id),
    pin(id, incarnation) {
      if (pins.get(id) !== incarnation) write(new Map(pins).set(id, incarnation));
    },
    retain(ids) {
      const kept = new Map([...pins].filter(([id]) => ids.has(id)));
      if (kept.size !== pins.size) write(kept);
    },
  };
}

/** A file that cannot be read is not begun anew: a wiped node would be met as if for the first time. */
function readPins(path: string): ReadonlyMap<NodeId, string> {
  if (!existsSync(path)) return new Map();
  try {
    const { incarnations } = JSON.parse(readFileSync(path, 'utf8')) as { readonly incarnations: unknown };
    const isObject = typeof incarnations === 'object' && incarnations !== null;
    const pins = Object.entries(isObject ? incarnations : { '': incarnations });
    if (pins.every(([, value]) => typeof value === 'string' && incarnationPattern.test(value))) {
      return new Map(pins);
    }
  } catch {
    // Told below.
  }
  const remedy =
    'restore it from a copy, or remove the node from the cluster and add it again with an empty folder';
  throw new GradswarmError(
    'corrupted',
    `${path} does not hold the incarnations of the other nodes; ${remedy}.`,
  );
}
