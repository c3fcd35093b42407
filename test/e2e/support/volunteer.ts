import { WebSocket } from 'ws';
import { openWebSocketLink, webSocketUrl } from '../../../client/node/websocket-link.ts';
import { codecText } from '../../../shared/codec/codec-spec.ts';
import { defaultCodec } from '../../../shared/job/complete-codec.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { decodeFrame, type Frame } from '../../../shared/protocol/frame.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../../shared/protocol/rpc-client.ts';
import { type GetJobResponse, type Lease, workerService } from '../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../shared/protocol/version.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';

const calls = workerService.method;
const determinismClass = { engine: 'wasm', build: 'a test' };

const introduction = {
  protocolVersion,
  token: '',
  name: 'volunteer',
  home: 'node',
  determinismClass,
  device: 'a script',
  previousWorkerId: '',
};

/** A worker that speaks the protocol by hand, and computes whatever the test wants. */
export interface Volunteer {
  readonly client: RpcClient;
  lease(jobId: string): Promise<Lease>;
  job(jobId: string): Promise<GetJobResponse>;
  /** Resolves when the contribution is accepted. @throws the refusal */
  contribute(fields: ContributionFields, payload: Uint8Array): Promise<void>;
  /** Sends the last frame once more, and resolves with the answer to it. */
  replay(): Promise<Frame>;
  close(): void;
}

export type ContributionFields = Awaited<ReturnType<typeof honestFields>>;

/** The header of a contribution that fits its lease. */
export async function honestFields(volunteer: Volunteer, lease: Lease) {
  const { manifestHash, documentJson, manifest } = await volunteer.job(lease.jobId);
  const { codec: codecs } = JSON.parse(documentJson) as JobDocument;
  const codec = codecText(defaultCodec({ codec: codecs }));
  const sizes = manifest?.tensors.map(({ shape }) => shape.reduce((size, side) => size * side, 1)) ?? [];
  const { leaseId, jobId, round, unit, version, epoch, sampleCount: samples } = lease;
  const length = sizes.reduce((sum, size) => sum + size, 0);
  const quoted = { leaseId, jobId, round, unit, version, epoch, samples };
  return { ...quoted, manifestHash, codec, length, loss: 1, computeMs: 1, determinismClass };
}

/** @throws the refusal of the registration */
export async function openVolunteer(url: string, wanted: Partial<typeof introduction>): Promise<Volunteer> {
  const link = await openWebSocketLink(webSocketUrl(url, 'worker-socket'));
  const recorded = record(link);
  const client = createRpcClient(recorded.link, { timers: systemTimers });
  await client.unary(calls.register, { ...introduction, ...wanted });
  return {
    client,
    async lease(jobId) {
      const { message } = await client.unary(calls.lease, { jobId, pollMs: 20_000 });
      if (message.lease === undefined) throw new Error(`there was no lease: ${message.reason}`);
      return message.lease;
    },
    job: async (jobId) => (await client.unary(calls.getJob, { jobId })).message,
    async contribute(fields, payload) {
      await client.unary(calls.contribute, fields, { payload });
    },
    replay: recorded.replay,
    close: () => client.close(),
  };
}

/** A link that remembers its last frame. */
function record(link: Link): { readonly link: Link; replay(): Promise<Frame> } {
  let last: Uint8Array = new Uint8Array(0);
  return {
    link: {
      send(bytes) {
        last = bytes;
        link.send(bytes);
      },
      close: (code, reason) => link.close(code, reason),
      get bufferedBytes() {
        return link.bufferedBytes;
      },
      get onMessage() {
        return link.onMessage;
      },
      set onMessage(onMessage) {
        link.onMessage = onMessage;
      },
      get onClose() {
        return link.onClose;
      },
      set onClose(onClose) {
        link.onClose = onClose;
      },
    },
    replay() {
      const { call } = decodeFrame(last).envelope;
      const { onMessage } = link;
      return new Promise((resolve) => {
        link.onMessage = (bytes) => {
          onMessage?.(bytes);
          const frame = decodeFrame(bytes);
          if (frame.envelope.call === call) resolve(frame);
        };
        link.send(last);
      });
    },
  };
}

/** A WebSocket without any protocol on it, to `worker-socket` or `admin-socket`. */
export function openRawSocket(url: string, path: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(webSocketUrl(url, path), { perMessageDeflate: false });
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** How the other side ended the connection. */
export function closeOf(socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> {
  // A peer that cuts the line while we still send makes an error and then a close.
  socket.on('error', () => {});
  return new Promise((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') })),
  );
}
