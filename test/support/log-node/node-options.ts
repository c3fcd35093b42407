import { parseArgs } from 'node:util';
import { limits } from '../../../shared/base/limits.ts';

export interface NodeOptions {
  readonly id: string;
  readonly dataFolder: string;
  readonly peerPort: number;
  /** `host:port` of every member, this one included, as the log names them. One member needs no peers. */
  readonly members: Readonly<Record<string, string>>;
  /** Where this node reaches the others, when it is not where the log says. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly compactEvery: number;
  readonly trailingEntries: number;
  readonly seed: number | undefined;
}

/** @throws Error for an argument that is missing or unknown. */
export function nodeOptions(commandArguments: readonly string[]): NodeOptions {
  const { values } = parseArgs({
    args: [...commandArguments],
    options: {
      id: { type: 'string' },
      data: { type: 'string' },
      'peer-port': { type: 'string', default: '0' },
      members: { type: 'string', default: '' },
      addresses: { type: 'string', default: '' },
      'compact-every': { type: 'string', default: String(limits.logEntriesPerSnapshot) },
      trailing: { type: 'string', default: String(limits.logTrailingEntries) },
      seed: { type: 'string' },
    },
  });
  const { id, data, seed } = values;
  if (id === undefined || data === undefined) throw new Error('a node needs --id and --data');
  return {
    id,
    dataFolder: data,
    peerPort: Number(values['peer-port']),
    members: addressList(values.members),
    addresses: addressList(values.addresses),
    compactEvery: Number(values['compact-every']),
    trailingEntries: Number(values.trailing),
    seed: seed === undefined ? undefined : Number(seed),
  };
}

export function nodeArguments(options: NodeOptions): string[] {
  const { seed } = options;
  return [
    ...['--id', options.id, '--data', options.dataFolder, '--peer-port', String(options.peerPort)],
    ...['--members', listOf(options.members), '--addresses', listOf(options.addresses)],
    ...['--compact-every', String(options.compactEvery), '--trailing', String(options.trailingEntries)],
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
  ];
}

/** `a=host:port,b=host:port`. */
function addressList(text: string): Readonly<Record<string, string>> {
  const parts = text.split(',').filter((part) => part !== '');
  return Object.fromEntries(parts.map((part) => part.split('=') as [string, string]));
}

function listOf(addresses: Readonly<Record<string, string>>): string {
  return Object.entries(addresses)
    .map(([id, address]) => `${id}=${address}`)
    .join(',');
}
