import type { PlantedBug } from './raft/planted-bugs.ts';

/** A bug in what rounds count, and the worlds that are to show it. */
export interface PlantedRoundBug extends PlantedBug {
  readonly world: 'ring' | 'edge' | 'asynchronous' | 'quorum';
}

export const plantedRoundBugs: readonly PlantedRoundBug[] = [
  {
    world: 'ring',
    name: 'the units of a lost ring member stay counted',
    file: 'server/core/ring/ring-losses.ts',
    text: 'else reopenUnits(round, ring, workerId);',
    replacement: 'else ring.held.delete(workerId);',
  },
  {
    world: 'ring',
    name: 'a merged sum stays held',
    file: 'server/core/ring/ring-events.ts',
    text: 'ring.held.delete(holder);',
    replacement: '',
  },
  {
    world: 'edge',
    name: 'a missing partial sum is stored without',
    file: 'server/core/edge.ts',
    text: 'const unitsFreed = loseCounted(round, new Set(coordinators));',
    replacement: 'const unitsFreed = 0;',
  },
  {
    world: 'asynchronous',
    name: 'a unit counts for the round that its worker names',
    file: 'server/core/validation.ts',
    text: 'lease.round === round &&',
    replacement: '',
  },
  {
    world: 'quorum',
    name: 'a quorum closes with less',
    file: 'shared/sync/parameter-server-synchronous.ts',
    text: 'Math.ceil(quorum * units)',
    replacement: 'Math.floor(quorum * units) - 1',
  },
];
