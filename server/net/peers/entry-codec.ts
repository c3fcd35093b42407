import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type EntryKind,
  entryKinds,
  type RaftEntries,
  type raftMessageSchema,
} from '../../../shared/protocol/peer-services.ts';
import type { Entry, EntryBody } from '../../raft/entry.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration-codec.ts';
import { malformed, wholeNumber } from './wire-numbers.ts';

type EntriesInit = MessageInitShape<typeof raftMessageSchema>['entries'];

const empty: Uint8Array = new Uint8Array(0);

/** Columns of the entries that follow `previousIndex`, and their payloads as they are: a command is copied once. */
export function encodeEntries(
  entries: readonly Entry[],
  previousIndex: number,
): { readonly columns: NonNullable<EntriesInit>; readonly payloads: readonly Uint8Array[] } {
  const kinds: EntryKind[] = [];
  const terms: number[] = [];
  const payloads: Uint8Array[] = [];
  const clients: number[] = [];
  const sequences: number[] = [];
  const clientNumbers = new Map<string, number>();
  entries.forEach(({ index, term, body }, position) => {
    if (index !== previousIndex + 1 + position)
      throw new Error(`entry ${index} does not follow the one before`);
    terms.push(term);
    kinds.push(kindOf(body));
    payloads.push(payloadOf(body));
    if (body.kind !== 'command') return;
    const { clientId, sequence } = body.proposal;
    const client = clientNumbers.get(clientId) ?? clientNumbers.size;
    clientNumbers.set(clientId, client);
    clients.push(client);
    sequences.push(sequence);
  });
  const payloadBytes = payloads.map(({ length }) => length);
  return {
    columns: { kinds, terms, payloadBytes, clients, sequences, clientIds: [...clientNumbers.keys()] },
    payloads,
  };
}

/** The entries' bytes are views into `payload`. @throws GradswarmError `malformedFrame`. */
export function decodeEntries(columns: RaftEntries, previousIndex: number, payload: Uint8Array): Entry[] {
  const { kinds, terms, payloadBytes, clients, sequences, clientIds } = columns;
  if (terms.length !== kinds.length || payloadBytes.length !== kinds.length) throw unequal();
  wholeNumber(previousIndex + kinds.length, 'the last index');
  let offset = 0;
  let commands = 0;
  const entries = kinds.map((kind, position): Entry => {
    const length = payloadBytes[position]!;
    if (length > payload.length - offset) throw malformed('the entries are longer than the payload');
    const bytes = payload.subarray(offset, offset + length);
    offset += length;
    const index = previousIndex + 1 + position;
    const term = wholeNumber(terms[position]!, 'the term of an entry');
    switch (kind) {
      case entryKinds.COMMAND: {
        const clientId = clientIds[clients[commands] ?? -1];
        const sequence = sequences[commands];
        if (clientId === undefined || sequence === undefined) throw malformed('a command has no proposal');
        commands += 1;
        const proposal = { clientId, sequence: wholeNumber(sequence, 'the sequence of a proposal') };
        return { index, term, body: { kind: 'command', proposal, bytes } };
      }
      case entryKinds.NOOP:
        if (length > 0) throw malformed('an entry without a command has a payload');
        return { index, term, body: { kind: 'noop' } };
      case entryKinds.CONFIGURATION:
        return { index, term, body: { kind: 'configuration', configuration: decodeConfiguration(bytes) } };
      default:
        throw malformed(`there is no entry of kind ${kind}`);
    }
  });
  if (offset !== payload.length) throw malformed('the entries are shorter than the payload');
  if (clients.length !== commands || sequences.length !== commands) throw unequal();
  return entries;
}

function kindOf(body: EntryBody): EntryKind {
  switch (body.kind) {
    case 'command':
      return entryKinds.COMMAND;
    case 'noop':
      return entryKinds.NOOP;
    case 'configuration':
      return entryKinds.CONFIGURATION;
  }
}

function payloadOf(body: EntryBody): Uint8Array {
  switch (body.kind) {
    case 'command':
      return body.bytes;
    case 'noop':
      return empty;
    case 'configuration':
      return encodeConfiguration(body.configuration);
  }
}

function unequal(): Error {
  return malformed('the columns of the entries have different lengths');
}
