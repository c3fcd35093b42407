/**
 * Branches that the simulated worlds must reach together, or their faults are too blunt to be worth much: a checker
 * that never saw a truncation says nothing of truncations.
 */
export const sights = [
  'append rejected',
  'append truncated a log',
  'bit rot quarantined a member',
  'configuration entry replaced',
  'configuration joint',
  'configuration left joint',
  'crash before a send',
  'crash between send and write',
  'crash of all members at once',
  'crash with a write under way',
  'fsync error',
  'healed without a minority',
  'leader left office for its removal',
  'learner promoted',
  'member demoted',
  'member removed',
  'member wiped',
  'one-way partition',
  'partition',
  'pause',
  'pre-vote refused',
  'proposal refused: uncommitted',
  'proposal refused: transfer',
  'read answered on a follower',
  'read answered on a leader',
  'read given up',
  'read fault at a restart',
  'repeated command filtered',
  'restart in a joint configuration',
  'restart with a snapshot',
  'slow disk',
  'snapshot installed',
  'snapshot made',
  'snapshot resumed by a new leader',
  'torn tail',
  'transfer done',
  'two candidates in a term',
  'two leaders of different terms',
  'unsynced write lost',
  'vote refused',
] as const;

export type Sight = (typeof sights)[number];

export class Sightings {
  private readonly counts = new Map<Sight, number>(sights.map((sight) => [sight, 0]));

  see(sight: Sight): void {
    this.counts.set(sight, this.count(sight) + 1);
  }

  count(sight: Sight): number {
    return this.counts.get(sight) ?? 0;
  }

  add(other: Sightings): void {
    for (const sight of sights) this.counts.set(sight, this.count(sight) + other.count(sight));
  }

  unseen(): readonly Sight[] {
    return sights.filter((sight) => this.count(sight) === 0);
  }

  lines(): readonly string[] {
    return sights.map((sight) => `${String(this.count(sight)).padStart(10)}  ${sight}`);
  }
}
