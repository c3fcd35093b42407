import { randomBytes } from 'node:crypto';
import { openLogNode } from './node.ts';
import type { NodeOptions } from './node-options.ts';

/**
 * A process that is nothing but a member of a replicated log, with registers and lists for a state: what clients of a
 * cluster can observe, without training. It ends with the process that started it.
 */
process.stdin.on('end', () => process.exit(0)).resume();
const options = JSON.parse(process.argv[2] ?? '') as NodeOptions;
const node = await openLogNode({ ...options, seed: options.seed ?? randomBytes(4).readUInt32LE() });
process.stdout.write(`${JSON.stringify({ event: 'started', clientPort: node.clientPort })}\n`);
