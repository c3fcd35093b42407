import { parameterServerSynchronous } from './parameter-server-synchronous.ts';
import type { Strategy } from './strategy.ts';

/** Closes on all units, of equal weight: where they are summed makes no difference to the bits. */
export function ringAllReduce(): Strategy & { kind: 'ringAllReduce' } {
  return { ...parameterServerSynchronous({ kind: 'parameterServerSynchronous' }), kind: 'ringAllReduce' };
}
