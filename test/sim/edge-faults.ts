import type { EdgeFaults } from './sim-edge.ts';
import type { Fault } from './worker-faults.ts';

const everyMs = 1_200;

/** Whatever comes from followers suffers on its way. */
function onTheWay(faults: EdgeFaults): Fault {
  return ({ coordinators }) => {
    for (const { edge } of coordinators) if (edge !== undefined) edge.follower.faults = faults;
    return () => {
      for (const { edge } of coordinators) if (edge !== undefined) edge.follower.faults = {};
    };
  };
}

/** Again and again, one that leads or does not is struck, and is back after a while. */
function striking(
  whom: 'leader' | 'follower',
  strike: (targets: Parameters<Fault>[0], victim: Parameters<Fault>[0]['coordinators'][number]) => () => void,
): Fault {
  return (targets) => {
    const { world, log, coordinators } = targets;
    let isOver = false;
    const again = (): void =>
      world.schedule(everyMs * world.between(0.5, 1.5), () => {
        if (isOver) return;
        const candidates = coordinators.filter(
          ({ isAlive, member }) => isAlive && (member === log.leader) === (whom === 'leader'),
        );
        const victim = candidates[world.random.below(Math.max(1, candidates.length))];
        const areAllThere = coordinators.every(({ isAlive }) => isAlive) && log.isolated.size === 0;
        if (victim !== undefined && areAllThere) {
          const heal = strike(targets, victim);
          world.schedule(world.between(100, everyMs), heal);
        }
        again();
      });
    again();
    return () => {
      isOver = true;
    };
  };
}

const crash: Parameters<typeof striking>[1] = (_, victim) => {
  victim.crash();
  return () => victim.start();
};

const cutOff: Parameters<typeof striking>[1] = ({ log }, victim) => {
  log.isolated.add(victim.member);
  return () => log.isolated.delete(victim.member);
};

/** What goes wrong where followers sum, one at a time. */
export const edgeFaults: { readonly [Name: string]: Fault } = {
  'followers die': striking('follower', crash),
  'the leader dies': striking('leader', crash),
  'followers are cut off': striking('follower', cutOff),
  'the leader is cut off': striking('leader', cutOff),
  'partial sums are lost': onTheWay({ lostProbability: 0.3 }),
  'partial sums are asked for twice': onTheWay({ repeatedProbability: 0.7 }),
  'partial sums come late': onTheWay({ lateMs: 1_500 }),
  'partial sums come too late': onTheWay({ lateMs: 6_000 }),
  'partial sums come damaged': onTheWay({ damagedProbability: 0.4 }),
};
