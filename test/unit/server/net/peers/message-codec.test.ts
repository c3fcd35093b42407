import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../../../server/net/peers/message-codec.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { joinFrame } from '../../../../../shared/protocol/frame.ts';
import {
  entryKinds,
  raftMessageKinds,
  raftMessageSchema,
} from '../../../../../shared/protocol/peer-services.ts';
import { messageKinds, messages } from './raft-messages.ts';

/** Plain objects and Uint8Arrays, so that what protobuf adds to them does not count as a difference. */
const plain = (message: Message): unknown => JSON.parse(JSON.stringify(message));
const decode = (bytes: Uint8Array): Message => decodeMessage(bytes, 'a', 'b');
const frame = (header: Parameters<typeof create<typeof raftMessageSchema>>[1], payload = new Uint8Array(0)) =>
  joinFrame(toBinary(raftMessageSchema, create(raftMessageSchema, header)), [payload]);

describe('a message of Raft', () => {
  it('comes out as it went in, whatever its kind and numbers', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(messages, (message) => {
        seen.add(message.kind);
        const decoded = decodeMessage(encodeMessage(message), message.from, message.to);
        expect(plain(decoded)).toEqual(plain(message));
      }),
      { numRuns: 2_000 },
    );
    expect([...seen].sort()).toEqual([...messageKinds].sort());
  });

  it('keeps nothing of the buffer that it was read from', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const proposal = { clientId: 'c', sequence: 7 };
    const message: Message = {
      ...{ from: 'a', to: 'b', term: 3, kind: 'append', previousIndex: 4, previousTerm: 2, commit: 4 },
      entries: [{ index: 5, term: 3, body: { kind: 'command', proposal, bytes } }],
    };
    const encoded = encodeMessage(message);
    const decoded = decode(encoded);
    encoded.fill(0xff);
    expect(plain(decoded)).toEqual(plain(message));
  });

  it('carries the payloads of many entries outside protobuf, with a few bytes for each', () => {
    const proposal = { clientId: 'a-client-with-a-long-name', sequence: 1 };
    const entries = Array.from({ length: 1_000 }, (_, position) => ({
      ...{ index: position + 1, term: 3 },
      body: { kind: 'command' as const, proposal, bytes: new Uint8Array(256) },
    }));
    const base = { from: 'a', to: 'b', term: 3, previousIndex: 0, previousTerm: 0, commit: 0 };
    const encoded = encodeMessage({ ...base, kind: 'append', entries });
    expect(encoded.length - 256 * entries.length).toBeLessThan(22 * entries.length);
  });

  it('that would not fit is refused where it is made', () => {
    const bytes = new Uint8Array(limits.peerMessageBytesMax + 1);
    const meta = { index: 1, term: 1, totalBytes: bytes.length, sha256: '' };
    const configuration = { voters: [], outgoing: [], learners: [], learnersNext: [], addresses: {} };
    const chunk = { from: 'a', to: 'b', term: 1, kind: 'snapshotChunk', offset: 0, bytes } as const;
    expect(() => encodeMessage({ ...chunk, meta: { ...meta, configuration } })).toThrow(
      expect.objectContaining({ code: 'tooLarge' }),
    );
  });
});

describe('bytes that are no message', () => {
  it('are refused with a code, however they are mangled', () => {
    const mutations = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(messages, mutations, fc.nat({ max: 40 }), (message, changes, cut) => {
        const bytes = encodeMessage(message);
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        try {
          decode(bytes.subarray(0, bytes.length - (cut % 8)));
        } catch (error) {
          expect(error).toBeInstanceOf(GradswarmError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('and random ones are hardly ever taken for one, and never do harm', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decode(bytes);
          taken += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(GradswarmError);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeLessThan(20);
  });

  const { COMMAND, NOOP } = entryKinds;
  const append = { kind: raftMessageKinds.APPEND, term: 1 };
  const command = {
    kinds: [COMMAND],
    terms: [1],
    payloadBytes: [2],
    clients: [0],
    sequences: [1],
    clientIds: ['c'],
  };
  const two = new Uint8Array(2);
  it.each<readonly [string, Uint8Array]>([
    ['an unknown kind', frame({ kind: 99 as 1, term: 1 })],
    ['no kind', frame({ term: 1 })],
    ['a negative term', frame({ ...append, term: -1 })],
    ['a fractional index', frame({ ...append, index: 1.5 })],
    ['a commit that is no number', frame({ ...append, commit: Number.NaN })],
    ['an endless term', frame({ ...append, term: Number.POSITIVE_INFINITY })],
    ['an index that can no longer grow', frame({ ...append, index: 2 ** 53, entries: command }, two)],
    ['entries beyond the last index', frame({ ...append, index: 2 ** 53 - 1, entries: command }, two)],
    ['a payload without entries', frame(append, two)],
    ['a payload that a heartbeat has', frame({ kind: raftMessageKinds.HEARTBEAT }, two)],
    ['too short a payload', frame({ ...append, entries: command }, new Uint8Array(1))],
    ['too long a payload', frame({ ...append, entries: command }, new Uint8Array(3))],
    ['columns of unequal length', frame({ ...append, entries: { ...command, terms: [1, 1] } }, two)],
    ['a command without client', frame({ ...append, entries: { ...command, clients: [] } }, two)],
    ['a command of an unnamed client', frame({ ...append, entries: { ...command, clients: [1] } }, two)],
    ['a proposal too many', frame({ ...append, entries: { ...command, clients: [0, 0] } }, two)],
    ['a sequence below zero', frame({ ...append, entries: { ...command, sequences: [-1] } }, two)],
    ['a marker with a payload', frame({ ...append, entries: { ...command, kinds: [NOOP] } }, two)],
    ['an unknown entry', frame({ ...append, entries: { ...command, kinds: [9 as 1] } }, two)],
    ['a chunk of no snapshot', frame({ kind: raftMessageKinds.SNAPSHOT_CHUNK }, two)],
  ])('are refused for %s', (_, bytes) => {
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'malformedFrame' }));
  });

  it('and a payload over the limit are refused before it is copied', () => {
    const bytes = frame(
      { kind: raftMessageKinds.SNAPSHOT_CHUNK },
      new Uint8Array(limits.peerMessageBytesMax + 1),
    );
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'tooLarge' }));
  });
});
