import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';

export interface LayoutMember {
  readonly id: string;
  /** For workers, pages and commands. */
  readonly port: number;
  readonly peerPort: number;
}

/** The coordinators of `gradswarm cluster up`. Their log knows their addresses, so they stay the same for ever. */
export interface ClusterLayout {
  readonly members: readonly LayoutMember[];
  readonly secretFile: string;
  readonly isNew: boolean;
}

export interface LayoutWishes {
  readonly folder: string;
  /** What the folder says, else three. */
  readonly size: number | undefined;
  /** The first of consecutive ports; 0 takes free ones. What the folder says, else `defaultPort`. */
  readonly port: number | undefined;
}

const defaultSize = 3;
const defaultPort = 7077;
/** From a coordinator's port to the one for its peers. */
const peerPortOffset = 100;
const firstLetter = 'a'.charCodeAt(0);

/** @throws GradswarmError `conflict` when the folder holds another cluster, `badRequest` when it cannot be used. */
export async function openLayout(wishes: LayoutWishes): Promise<ClusterLayout> {
  const { folder } = wishes;
  const file = join(folder, 'cluster.json');
  const secretFile = join(folder, 'cluster-secret');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const kept = readMembers(file);
    if (kept !== undefined) {
      checkWishes(kept, wishes);
      return { members: kept, secretFile, isNew: false };
    }
    const members = await planMembers(wishes.size ?? defaultSize, wishes.port ?? defaultPort);
    writeFileSync(secretFile, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    // Last, so that whoever finds it finds the secret as well.
    writeFileSync(file, `${JSON.stringify({ members }, undefined, 2)}\n`);
    return { members, secretFile, isNew: true };
  } catch (error) {
    if (error instanceof GradswarmError || !(error instanceof Error && 'code' in error)) throw error;
    throw new GradswarmError('badRequest', `${folder} cannot be used (${error.message})`, '--data');
  }
}

/** `host:port` of every member for its peers, as `--peers` takes it. */
export function peerList({ members }: Pick<ClusterLayout, 'members'>): string {
  return members.map(({ id, peerPort }) => `${id}=127.0.0.1:${peerPort}`).join(',');
}

async function planMembers(size: number, port: number): Promise<readonly LayoutMember[]> {
  const free = port === 0 ? await freePorts(2 * size) : [];
  return Array.from({ length: size }, (_, index) => ({
    id: String.fromCharCode(firstLetter + index),
    port: free[2 * index] ?? port + index,
    peerPort: free[2 * index + 1] ?? port + peerPortOffset + index,
  }));
}

/** All are held until the last is known, so that none is given twice. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function readMembers(file: string): readonly LayoutMember[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { members } = JSON.parse(text) as { readonly members: readonly LayoutMember[] };
    if (members.length <= limits.clusterMembersMax && members.every(isMember)) return members;
  } catch {
    // Told below, whatever is wrong with it.
  }
  const remedy = 'choose another folder with --data, or remove this one';
  throw new GradswarmError('conflict', `${file} does not describe a cluster; ${remedy}`, '--data');
}

function isMember({ id, port, peerPort }: LayoutMember): boolean {
  return typeof id === 'string' && Number.isInteger(port) && Number.isInteger(peerPort);
}

function checkWishes(kept: readonly LayoutMember[], { folder, size, port }: LayoutWishes): void {
  const elsewhere = 'or choose another folder with --data';
  if (size !== undefined && size !== kept.length) {
    const grow = 'add a coordinator with `gradswarm cluster add`';
    throw new GradswarmError(
      'conflict',
      `${folder} holds a cluster of ${kept.length}, not of ${size}; ${grow}, ${elsewhere}`,
      '--size',
    );
  }
  const first = kept[0]?.port;
  if (port !== undefined && port !== 0 && port !== first) {
    throw new GradswarmError(
      'conflict',
      `the cluster in ${folder} begins at port ${first}, and its coordinators know one another there; leave --port out, ${elsewhere}`,
      '--port',
    );
  }
}
