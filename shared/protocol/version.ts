import { GradswarmError } from '../base/errors.ts';

/** Grows when a change would be misread by an older peer. Register and SignIn carry it. */
export const protocolVersion = 1;

/** @throws GradswarmError `unsupportedProtocol` naming both versions. */
export function checkProtocolVersion(theirs: number): void {
  if (theirs === protocolVersion) return;
  const remedy = theirs < protocolVersion ? 'update the worker' : 'update the coordinator';
  throw new GradswarmError(
    'unsupportedProtocol',
    `protocol version ${theirs} was offered, version ${protocolVersion} is spoken here: ${remedy}`,
    'protocolVersion',
  );
}
