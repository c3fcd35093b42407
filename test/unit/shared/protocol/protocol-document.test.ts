import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deriveKeys } from '../../../../server/net/peers/credentials.ts';
import { sealLink } from '../../../../server/net/peers/sealed-link.ts';
import { errorTable } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { createRandom, mixSeed } from '../../../../shared/base/random.ts';
import { parseCodecText } from '../../../../shared/codec/codec-spec.ts';
import { createFlatCodec } from '../../../../shared/codec/codecs.ts';
import { counterHash, hashKey } from '../../../../shared/codec/counter-hash.ts';
import { createPermutation } from '../../../../shared/data/permutation.ts';
import { createTrainSampler } from '../../../../shared/data/sampling.ts';
import { crc32 } from '../../../../shared/protocol/checksum.ts';
import { encodeFrame, frameKinds } from '../../../../shared/protocol/frame.ts';
import { createManifest, manifestText } from '../../../../shared/tensor/manifest.ts';

const root = join(import.meta.dirname, '../../../..');
const path = join(root, 'docs/PROTOCOL.md');
const code = (text: string, language = ''): string => `\`\`\`${language}\n${text}\n\`\`\``;
const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

function frameExample(): string {
  const payload = Uint8Array.of(1, 2, 3, 4, 5);
  const frame = encodeFrame(
    {
      call: 7,
      kind: frameKinds.REQUEST,
      method: 'WorkerService/Contribute',
      // lease_id "a1", job_id "mnist", round 2
      message: Uint8Array.of(0x0a, 2, 0x61, 0x31, 0x12, 5, 0x6d, 0x6e, 0x69, 0x73, 0x74, 0x18, 2),
      payloadBytes: payload.length,
      payloadChecksum: crc32(payload),
    },
    payload,
  );
  const lines: string[] = [];
  for (let offset = 0; offset < frame.length; offset += 16) {
    lines.push(`${offset.toString(16).padStart(4, '0')}  ${hex(frame.subarray(offset, offset + 16))}`);
  }
  return code(lines.join('\n'));
}

function sealExample(): string {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const transcript = { hello: bytes('hello'), challenge: bytes('challenge') };
  const keys = deriveKeys('a secret of 24 characters', new Uint8Array(0), transcript);
  const clusterId = '000102030405060708090a0b0c0d0e0f';
  const seal = { clusterId, incarnation: '1011121314151617', key: keys.frameKey('dialer') };
  const frames: Uint8Array[] = [];
  const wire = { send: (frame: Uint8Array) => frames.push(frame), bufferedBytes: 0, close: () => {} };
  sealLink({ ...wire, onMessage: undefined, onClose: undefined }, seal, seal).send(Uint8Array.of(1, 2, 3));
  const rows = [
    ['proof(dialer)       ', keys.proof('dialer')],
    ['proof(acceptor)     ', keys.proof('acceptor')],
    ['frame key(dialer)   ', keys.frameKey('dialer')],
    ['frame key(acceptor) ', keys.frameKey('acceptor')],
    ['frame               ', frames[0] ?? new Uint8Array(0)],
  ] as const;
  return code(rows.map(([name, value]) => `${name}${Buffer.from(value).toString('hex')}`).join('\n'));
}

function manifestExample(): string {
  const text = manifestText(
    createManifest([
      { name: 'dense/kernel', shape: [784, 10] },
      { name: 'norm/moving_mean', shape: [10], role: 'statistic' },
      { name: 'scale', shape: [] },
    ]),
  );
  const shown = text.replace(/ $/gm, '␠');
  return code(`${shown}\n\nSHA-256  ${createHash('sha256').update(text).digest('hex')}`);
}

function samplingExample(): string {
  const sampler = createTrainSampler([5, 3, 0, 4, 6, 2], 42);
  const places = Array.from({ length: 40 }, (_, position) => sampler.locate(position));
  const words = places.map(({ shard, index }) => `${shard}:${index}`);
  return code([words.slice(0, 20).join(' '), words.slice(20).join(' ')].join('\n'));
}

function int8Example(): string {
  const values = Float32Array.from({ length: 300 }, (_, index) => (index - 150) / 1_000);
  const payload = createFlatCodec({ kind: 'int8' }, 300).encode(values, 7);
  return code(`scale bytes  ${hex(payload.subarray(0, 2))}\ncodes        ${hex(payload.subarray(2, 18))} …`);
}

function codecsExample(): string {
  const values = Float32Array.from({ length: 9 }, (_, index) => (index - 3) / 4);
  const texts = ['float16', 'int4', 'sign', 'topk/3/2', 'topk/3/8', 'randomk/4'];
  const rows = texts.map((text) => {
    const payload = createFlatCodec(parseCodecText(text), values.length).encode(values, 7);
    return `${text.padEnd(10)} ${hex(payload)}`;
  });
  return code(rows.join('\n'));
}

function numbersExample(): string {
  const random = createRandom(1);
  const { first, second } = hashKey(7);
  const permutation = createPermutation(10, 7);
  const row = (values: readonly number[]): string => values.join(' ');
  const several = (make: (index: number) => number): string =>
    row(Array.from({ length: 4 }, (_, index) => make(index)));
  return code(
    [
      `mixSeed(1, 2, 3)            ${mixSeed(1, 2, 3)}`,
      `random(1), four times       ${several(() => random.uint32())}`,
      `permute(10, 7, i), i = 0..9 ${row(Array.from({ length: 10 }, (_, index) => permutation.map(index)))}`,
      `counterHash(i, 7), i = 0..3 ${several((index) => counterHash(index, first, second))}`,
      `CRC-32 of "123456789"       ${crc32(new TextEncoder().encode('123456789')).toString(16)}`,
    ].join('\n'),
  );
}

function errorRows(): string {
  const rows = Object.entries(errorTable).map(
    ([name, { retryable, status, meaning }]) =>
      `| \`${name}\` | ${retryable ? 'yes' : 'no'} | ${status} | ${meaning} |`,
  );
  return ['| code | later? | HTTP | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

const shownLimits = {
  frameHeaderBytesMax: 'header of a frame, bytes',
  frameChunkBytesMax: 'payload of one frame, bytes',
  frameChunkBytesMin: 'payload of a frame that is not the last of its payload, bytes',
  frameBytesMax: 'one WebSocket message, bytes',
  frameFragmentsMax: 'WebSocket fragments of one message',
  payloadBytesMax: 'payload of one message, bytes',
  pendingPayloadBytesPerConnectionMax: 'payloads of a connection’s calls under way together, bytes',
  incompletePayloadMs: 'from the first frame of a payload to its last, ms',
  callsPerConnectionMax: 'calls under way on a connection',
  callsPerConnectionPerSecondMax: 'calls a second on a connection',
  handshakeTimeoutMs: 'from the connection to Register or SignIn, ms',
  pingIntervalMs: 'between two pings, ms',
  pongTimeoutMs: 'without an answer to a ping, ms',
  bufferedBytesMax: 'unread bytes of a peer, at which a sender waits',
  slowReaderMs: 'for which they may stay unread, ms',
  connectionsPerAddressMax: 'connections from one address (IPv6: one /64)',
  connectionsPerAddressPerMinuteMax: 'new connections from one address a minute',
  heartbeatIntervalMs: 'between two heartbeats, ms',
  workerTimeoutMs: 'without a sign of life, ms',
  leasePollMs: 'poll of a lease, ms',
  leasesPerWorkerMax: 'units that a worker may hold or await',
  leasesPerUnitMax: 'workers that may compute one unit at once',
  leaseTimeoutMsMin: 'shortest deadline, ms',
  leaseTimeoutMsFirst: 'deadline while no unit of the job has been timed, ms',
  leaseTimeoutMsMax: 'longest deadline for a unit that is not queued behind another, ms',
  unitsPerRoundMax: 'units of a round',
  parametersMax: 'values of a model',
  tensorsMax: 'tensors of a model',
  tensorRankMax: 'dimensions of a tensor',
  shardBytesMax: 'a shard, bytes',
  nameCharactersMax: 'characters of a name',
  textCharactersMax: 'characters of a longer text',
  httpRequestsPerAddressPerMinuteMax: 'HTTP requests of one address a minute',
  ringMembersMax: 'members of a ring',
  ringSegmentValues: 'values of one segment of a ring',
  ringRelayBatchBytesMax: 'messages of a ring relayed together, bytes',
  ringMessageBytesMax: 'bytes of one message on a data channel',
  ringSignalBytesMax: 'characters of a signal between members of a ring',
  ringCandidatesMax: 'candidates of one neighbour',
  ringConnectTimeoutMs: 'time for a data channel to open, ms',
  peerSecretCharactersMin: 'characters of the secret of coordinators, at least',
  peerHandshakeBytesMax: 'message of a handshake between coordinators, bytes',
  peerHandshakeTimeoutMs: 'such a handshake, ms',
  peerUrlCharactersMax: 'characters of the address for clients in it',
  peerFrameBytesMax: 'sealed frame between coordinators, bytes',
  peerMessageBytesMax: 'payload of a message of Raft, bytes',
  peerConnectionsPerAddressMax: 'connections of coordinators from one address',
} as const satisfies Partial<Record<keyof typeof limits, string>>;

function limitRows(): string {
  const rows = Object.entries(shownLimits).map(
    ([name, meaning]) =>
      `| \`${name}\` | ${limits[name as keyof typeof shownLimits].toLocaleString('en')} | ${meaning} |`,
  );
  return ['| limit | value | of |', '|---|---|---|', ...rows].join('\n');
}

function messageFiles(): string {
  const names = ['envelope', 'worker', 'contribution', 'ring', 'model', 'admin', 'peer'];
  return names
    .map((name) => {
      const text = readFileSync(join(root, `proto/gradswarm/v1/${name}.proto`), 'utf8').trim();
      return `### ${name}.proto\n\n${code(text, 'proto')}`;
    })
    .join('\n\n');
}

const blocks: Readonly<Record<string, () => string>> = {
  frame: frameExample,
  errors: errorRows,
  manifest: manifestExample,
  seal: sealExample,
  sampling: samplingExample,
  int8: int8Example,
  codecs: codecsExample,
  numbers: numbersExample,
  limits: limitRows,
  messages: messageFiles,
};

const blockPattern = (name: string): RegExp =>
  new RegExp(`(?<=<!-- generated: ${name} -->\n)[\\s\\S]*?(?=<!-- end -->)`);

/** `UPDATE_DOCUMENTS=1 npx vitest run --project unit test/unit/shared/protocol/protocol-document` writes them anew. */
test.each(Object.keys(blocks))('the block "%s" of docs/PROTOCOL.md is what the code does', (name) => {
  const document = readFileSync(path, 'utf8');
  const expected = `${blocks[name]?.()}\n`;
  if (process.env['UPDATE_DOCUMENTS'] === '1') {
    writeFileSync(
      path,
      document.replace(blockPattern(name), () => expected),
    );
    return;
  }
  expect(document.match(blockPattern(name))?.[0]).toBe(expected);
});

test('no generated block is left over', () => {
  const document = readFileSync(path, 'utf8');
  const names = [...document.matchAll(/<!-- generated: (\w+) -->/g)].map((match) => match[1]);
  expect(names.sort()).toEqual(Object.keys(blocks).sort());
});
