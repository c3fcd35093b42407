import { limits } from '../../shared/base/limits.ts';
import { commitTo } from './committing.ts';
import type { IncomingSnapshot } from './incoming-snapshot.ts';
import { type Member, send, sendWhenDurable } from './member.ts';
import type { Message, SnapshotMeta } from './message.ts';

type Chunk = Extract<Message, { kind: 'snapshotChunk' }>;

/** Takes the chunk that continues what is here, and names in every answer where to go on. */
export function onChunk(member: Member, chunk: Chunk): void {
  const { log } = member;
  const { meta, from, offset, bytes, term } = chunk;
  const { index, totalBytes } = meta;
  if (meta.term > term) return;
  if (index <= log.commit || log.termAt(index) === meta.term) {
    commitTo(member, index);
    if ((member.incoming?.meta.index ?? 0) <= log.commit) member.incoming = undefined;
    sendWhenDurable(member, from, { kind: 'snapshotReply', index, offset: totalBytes });
    return;
  }
  const incoming = incomingFor(member, chunk);
  if (!incoming) return;
  if (offset === incoming.received && offset + bytes.length <= totalBytes) {
    incoming.bytes.set(bytes, offset);
    incoming.received += bytes.length;
  }
  if (incoming.received === totalBytes) install(member, from, incoming);
  else send(member, from, { kind: 'snapshotReply', index, offset: incoming.received });
}

/**
 * A leader moves on to newer snapshots only, so an older one came late; a new leader may have its own. What another
 * leader began goes on when it is the same snapshot.
 */
function incomingFor(member: Member, { meta, term }: Chunk): IncomingSnapshot | undefined {
  const { incoming } = member;
  if (incoming && isSame(incoming.meta, meta)) {
    incoming.term = term;
    return incoming;
  }
  if (incoming && incoming.term === term && incoming.meta.index > meta.index) return undefined;
  if (meta.totalBytes > limits.raftSnapshotBytesMax) return undefined;
  member.incoming = { meta, term, bytes: new Uint8Array(meta.totalBytes), received: 0 };
  return member.incoming;
}

function isSame(one: SnapshotMeta, other: SnapshotMeta): boolean {
  return (
    one.index === other.index &&
    one.term === other.term &&
    one.totalBytes === other.totalBytes &&
    one.sha256 === other.sha256
  );
}

/** The log does not lead to the snapshot, so it begins anew behind it. It is applied when it is durable. */
function install(member: Member, from: string, { meta, bytes }: IncomingSnapshot): void {
  const { index, totalBytes } = meta;
  member.log.replaceBy(meta);
  member.disk.replaceLog(index);
  member.snapshot = { meta, bytes };
  member.snapshotToWrite = { snapshot: member.snapshot, replacesLog: true };
  member.incoming = undefined;
  sendWhenDurable(member, from, { kind: 'snapshotReply', index, offset: totalBytes });
}
