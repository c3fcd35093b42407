import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { assertNever } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { type LogCommand, logCommandSchema } from '../../shared/protocol/services.ts';
import { encodeTensors } from '../../shared/protocol/tensor-messages.ts';
import type { Command } from '../core/commands.ts';
import { readCommand } from './command-reading.ts';

type Variant = NonNullable<MessageInitShape<typeof logCommandSchema>['command']>;

/** @throws GradswarmError `tooLarge` above `limits.commandBytesMax`. */
export function encodeCommand(command: Command): Uint8Array {
  const message = create(logCommandSchema, { atMs: command.atMs, command: toVariant(command) });
  const bytes = toBinary(logCommandSchema, message);
  if (bytes.length > limits.commandBytesMax) {
    const size = `the change takes ${bytes.length} bytes in the log; at most ${limits.commandBytesMax}`;
    throw new GradswarmError('tooLarge', size);
  }
  return bytes;
}

/**
 * Strict: what this version did not write is not guessed at.
 * @throws GradswarmError `corrupted`.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  let message: LogCommand;
  try {
    message = fromBinary(logCommandSchema, bytes);
  } catch {
    throw new GradswarmError('corrupted', 'a log entry is not a command');
  }
  return readCommand(message);
}

function toVariant(command: Command): Variant {
  switch (command.kind) {
    case 'jobSubmitted': {
      const { kind, atMs: _, document, dataset, tensors, ...value } = command;
      const documentJson = JSON.stringify(document);
      const datasetJson = JSON.stringify(dataset);
      return { case: kind, value: { ...value, documentJson, datasetJson, manifest: encodeTensors(tensors) } };
    }
    case 'jobStateChanged': {
      const { kind, atMs: _, ...value } = command;
      return { case: kind, value };
    }
    case 'roundCommitted': {
      const { kind, atMs: _, determinismClasses = [], ...value } = command;
      return { case: kind, value: { ...value, determinismClasses: [...determinismClasses] } };
    }
    case 'strategyChanged': {
      const { kind, atMs: _, plan, ...value } = command;
      return { case: kind, value: { ...value, planJson: JSON.stringify(plan) } };
    }
    case 'evaluationCommitted': {
      const { kind, atMs: _, ...value } = command;
      return { case: kind, value };
    }
    case 'checkpointCommitted': {
      const { kind, atMs: _, blobs, ...value } = command;
      return { case: kind, value: { ...value, blobs: [...blobs] } };
    }
    case 'datasetRegistered':
      return { case: command.kind, value: { datasetJson: JSON.stringify(command.dataset) } };
    case 'tokenCreated': {
      const { kind, atMs: _, ...value } = command;
      return { case: kind, value };
    }
    case 'tokenRevoked':
      return { case: command.kind, value: { tokenId: command.tokenId } };
    default:
      return assertNever(command);
  }
}
