import type { MessageInitShape } from '@bufbuild/protobuf';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { JobId } from '../../shared/base/ids.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import { encodeReply } from '../../shared/protocol/replies.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import { type RingIdentity as WireIdentity, workerService } from '../../shared/protocol/services.ts';
import type { RingIdentity } from '../../shared/sync/ring/ring-message.ts';
import type { RingTold } from '../core/effect-values.ts';
import type { Effect } from '../core/events.ts';
import { readJobId } from './fields.ts';
import type { RingMail } from './ring-mail.ts';

const schema = workerService.method.watchRing.output;
type RingEvent = MessageInitShape<typeof schema>;

export interface QuotedRing {
  readonly jobId: JobId;
  readonly identity: RingIdentity;
}

/** @throws GradswarmError `badRequest`. */
export function readRing(ring: WireIdentity | undefined): QuotedRing {
  if (ring === undefined) throw new GradswarmError('badRequest', 'quote the ring', 'ring');
  const { epoch, round, ringId, ringEpoch } = ring;
  return { jobId: readJobId(ring.jobId), identity: { epoch, round, ringId, ringEpoch } };
}

export function writeRing({ jobId, identity }: QuotedRing) {
  return { jobId, ...identity };
}

function writeTold(jobId: JobId, told: RingTold): RingEvent {
  const ring = writeRing({ jobId, identity: told.identity });
  switch (told.kind) {
    case 'plan': {
      const { channel, weight, deadlineMs } = told;
      const members = told.members.map(({ workerId, units }) => ({ workerId, units: [...units] }));
      return { event: { case: 'plan', value: { ring, members, channel, weight, deadlineMs } } };
    }
    case 'upload': {
      const { units, deadlineMs } = told;
      return { event: { case: 'upload', value: { ring, units: [...units], deadlineMs } } };
    }
    case 'over':
      return { event: { case: 'over', value: { ring } } };
  }
}

export function encodeTold(
  reply: { readonly message: RingEvent; readonly payload?: Uint8Array },
  checksum: Checksum,
): EncodedReply {
  return encodeReply(schema, reply, checksum);
}

/** Puts what the core says into the mail of the members. */
export function tellRing(
  mail: RingMail,
  { jobId, workerIds, told }: Extract<Effect, { kind: 'tellRing' }>,
  checksum: Checksum,
): void {
  const reply = encodeTold({ message: writeTold(jobId, told) }, checksum);
  for (const workerId of workerIds) mail.post(workerId, reply);
}
