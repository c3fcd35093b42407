import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { ClusterConfiguration, NodeId } from '../raft/cluster-configuration.ts';
import type { Disk } from './disk/disk.ts';
import { replaceFile } from './disk/replace-file.ts';

/** Whose log this is, and with whom it began: what a later start says otherwise must not change who counts. */
export interface MemberFile {
  readonly nodeId: NodeId;
  readonly initialConfiguration: ClusterConfiguration;
}

/** One line of JSON, and a line with its SHA-256. */
const fileName = 'member.json';

/** @throws GradswarmError `corrupted`. */
export async function readMemberFile(disk: Disk, folder: string): Promise<MemberFile | undefined> {
  if (!(await disk.list(folder)).includes(fileName)) return undefined;
  const path = join(folder, fileName);
  const file = await disk.open(path);
  try {
    const text = new TextDecoder().decode(await file.read(0, await file.size()));
    const [json = '', hash] = text.split('\n');
    if (text !== `${json}\n${hash}\n` || hash !== sha256(json)) {
      throw new GradswarmError('corrupted', `${path}, offset 0: the content does not match its SHA-256.`);
    }
    return JSON.parse(json) as MemberFile;
  } finally {
    await file.close();
  }
}

/** Whole and durable when it resolves, or not there. */
export async function writeMemberFile(disk: Disk, folder: string, member: MemberFile): Promise<void> {
  const path = join(folder, fileName);
  const json = JSON.stringify(member);
  await replaceFile(disk, path, [new TextEncoder().encode(`${json}\n${sha256(json)}\n`)]);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
