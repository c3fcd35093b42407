import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { ProposalId } from '../raft/entry.ts';

/** What every log refuses before it does anything. @throws GradswarmError `tooLarge` or `badRequest`. */
export function checkProposal(command: Uint8Array, { clientId, sequence }: ProposalId): void {
  if (command.length > limits.commandBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `A change of ${command.length} bytes exceeds the limit of ${limits.commandBytesMax}.`,
    );
  }
  if (clientId.length === 0 || clientId.length > limits.nameCharactersMax) {
    throw new GradswarmError(
      'badRequest',
      `A client id has 1 to ${limits.nameCharactersMax} characters.`,
      'clientId',
    );
  }
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new GradswarmError('badRequest', 'A sequence is a whole number of at least 0.', 'sequence');
  }
}
