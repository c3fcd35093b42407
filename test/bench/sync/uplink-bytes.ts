import { create, toBinary } from '@bufbuild/protobuf';
import { ContributeRequestSchema } from '../../../shared/gen/gradswarm/v1/contribution_pb.ts';
import { LeaseRequestSchema } from '../../../shared/gen/gradswarm/v1/worker_pb.ts';
import { crc32 } from '../../../shared/protocol/checksum.ts';
import { frameKinds } from '../../../shared/protocol/frame.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { sendMessage } from '../../../shared/protocol/payload-out.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';

/** What a browser puts before a message: two bytes, the length, and the mask (RFC 6455). */
function webSocketHeaderBytes(length: number): number {
  if (length < 126) return 6;
  return length < 65_536 ? 8 : 14;
}

export interface UplinkCounter {
  readonly bytes: number;
  /** One unit: its call for a lease, and the frames of its contribution. */
  countUnit(unit: SentUnit): Promise<void>;
}

export interface SentUnit {
  readonly round: number;
  readonly unit: number;
  readonly codec: string;
  readonly length: number;
  readonly samples: number;
  readonly loss: number;
  readonly payload: Uint8Array;
}

/** Counts the bytes that a worker's WebSocket would send, with the names and hashes as long as they are in earnest. */
export function createUplinkCounter(): UplinkCounter {
  let bytes = 0;
  const link: Pick<Link, 'send' | 'bufferedBytes'> = {
    bufferedBytes: 0,
    send(frame) {
      bytes += frame.length + webSocketHeaderBytes(frame.length);
    },
  };
  const { signal } = new AbortController();
  const send = (method: string, message: Uint8Array, payload: Uint8Array): Promise<void> => {
    const envelope = { call: 1_000, kind: frameKinds.REQUEST, method, message };
    return sendMessage(link as Link, envelope, payload, crc32(payload), systemTimers, signal);
  };
  return {
    get bytes() {
      return bytes;
    },
    async countUnit({ payload, ...unit }) {
      const jobId = 'moby';
      const asked = create(LeaseRequestSchema, { jobId, pollMs: 20_000 });
      await send('WorkerService/Lease', toBinary(LeaseRequestSchema, asked), new Uint8Array(0));
      const request = create(ContributeRequestSchema, {
        ...unit,
        jobId,
        leaseId: 'lease-12-123456',
        version: unit.round,
        epoch: 12,
        manifestHash: '0'.repeat(64),
        computeMs: 1_000,
        determinismClass: { engine: 'wasm', build: 'core-1.0123abcd' },
      });
      await send('WorkerService/Contribute', toBinary(ContributeRequestSchema, request), payload);
    },
  };
}
