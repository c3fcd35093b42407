import type { MembershipChange } from '../../server/raft/cluster-configuration.ts';
import type { Message } from '../../server/raft/message.ts';
import { parseSelection } from './selection.ts';
import type { World } from './world.ts';

type Action = (world: World, words: readonly string[]) => void;

/** Everything that may happen. */
export const actions: Readonly<Record<string, Action>> = {
  /** `campaign a`: as if a leader had handed over to it, so that nobody is asked before. */
  campaign: (world, ids) => {
    for (const id of ids) {
      const { raft } = world.live(id);
      raft.step({ kind: 'timeoutNow', from: 'nobody', to: id, term: raft.status().term });
    }
    world.cluster.run(...ids);
  },
  /** `timeout a`: its election timeout passes. */
  timeout: (world, ids) => {
    for (const id of ids) timeOut(world, id);
  },
  /** `elect a`: campaigns, and all is delivered. */
  elect: (world, [id = '']) => {
    if (world.live(id).raft.status().role === 'leader') throw new Error(`${id} is the leader already.`);
    actions['campaign']?.(world, [id]);
    world.settle();
    const { role } = world.live(id).raft.status();
    if (role !== 'leader') throw new Error(`${id} is a ${role} and not the leader.`);
  },
  /** `tick a 10`: nothing is delivered meanwhile. */
  tick: (world, [id = '', count = '1']) => {
    for (let ticks = 0; ticks < Number(count); ticks++) world.tick(id);
  },
  /** `time 10`: all who run tick, and after each tick all is delivered. */
  time: (world, [count = '']) => {
    for (let ticks = 0; ticks < Number(count); ticks++) {
      for (const id of world.liveIds()) world.tick(id);
      world.settle();
    }
  },
  /** `propose a x y`: two commands. */
  propose: (world, [id = '', ...texts]) => {
    for (const text of texts) {
      if (world.isProposed(text)) throw new Error(`${text} was proposed before; write "repeat".`);
      world.propose(id, text);
    }
  },
  /** `repeat a x`: the client of x asks again. */
  repeat: (world, [id = '', text = '']) => {
    if (!world.isProposed(text)) throw new Error(`${text} was not proposed.`);
    world.propose(id, text);
  },
  /** `change a promote d remove c`: one change. */
  change: (world, [id = '', ...words]) => {
    const changes: MembershipChange[] = [];
    for (let place = 0; place < words.length; place += 2) {
      changes.push(membershipChange(words[place], words[place + 1]));
    }
    world.outcome = world.live(id).raft.changeMembership(changes);
  },
  transfer: (world, [from = '', to = '']) => {
    world.outcome = world.live(from).raft.transferLeadership(to);
  },
  read: (world, [id = '']) => world.read(id),
  /** `compact a 3`: a snapshot of all it has applied, and three entries before its end are kept. */
  compact: (world, [id = '', kept = '0']) => world.compact(id, Number(kept)),
  crash: (world, ids) => {
    for (const id of ids) world.crash(id);
  },
  restart: (world, ids) => {
    for (const id of ids) if (!world.down.delete(id)) throw new Error(`${id} is not down.`);
  },
  wipe: (world, [id = '']) => world.wipe(id),
  /** `disk a slow`: nothing is durable until `disk a flush`, or `disk a flush 1` for the oldest write alone. */
  disk: (world, [id = '', how, count]) => disk(world, id, how, count),
  settle: (world) => world.settle(),
  deliver: (world, words) => {
    if (world.deliver(parseSelection(words)) === 0) throw new Error('Nothing of this is on its way.');
  },
  drop: (world, words) => {
    const isSelected = parseSelection(words);
    world.cluster.run();
    world.cluster.messages = world.cluster.messages.filter((message) => !isSelected(message));
  },
  /** Of what is on its way, or `duplicate everything` from now on. */
  duplicate: (world, words) => {
    if (words.join() === 'everything') world.isEverythingTwice = true;
    else world.cluster.messages.push(...onTheWay(world, words));
  },
  /** Copies what is on its way, for `replay`. */
  record: (world, words) => {
    world.recorded.push(...onTheWay(world, words));
  },
  replay: (world, words) => {
    const selected = world.recorded.filter(parseSelection(words));
    if (selected.length === 0) throw new Error('Nothing of this was recorded.');
    world.cluster.messages.push(...selected);
  },
  /** `hold append to b`: these wait until `release`. */
  hold: (world, words) => {
    world.held.push(parseSelection(words));
  },
  release: (world) => {
    world.held = [];
  },
  /** `lose append to b`: from now until `heal`. */
  lose: (world, words) => {
    world.lost.push(parseSelection(words));
  },
  /** `cut a b`: both ways. */
  cut: (world, [one = '', other = '']) => {
    world.lost.push(parseSelection(['from', one, 'to', other]), parseSelection(['from', other, 'to', one]));
  },
  /** `isolate a b`: these hear one another and nobody else. */
  isolate: (world, ids) => {
    for (const id of ids) world.cluster.member(id);
    world.lost.push(({ from, to }) => ids.includes(from) !== ids.includes(to));
  },
  heal: (world) => {
    world.lost = [];
  },
};

function onTheWay({ cluster }: World, words: readonly string[]): Message[] {
  cluster.run();
  const selected = cluster.messages.filter(parseSelection(words));
  if (selected.length === 0) throw new Error('Nothing of this is on its way.');
  return selected;
}

function timeOut(world: World, id: string): void {
  const { raft } = world.live(id);
  for (let ticks = 0; ticks < timeoutTicksMax; ticks++) {
    world.tick(id);
    if (raft.status().role.toLowerCase().endsWith('candidate')) return;
    if (raft.status().role === 'leader') return;
  }
  throw new Error(`${id} does not campaign.`);
}

/** Twice the election timeout of the tests. */
const timeoutTicksMax = 20;

function membershipChange(word: string | undefined, id: string | undefined): MembershipChange {
  if (id === undefined) throw new Error('A change names a member.');
  switch (word) {
    case 'add-learner':
      return { kind: 'addLearner', id, address: `${id}:1` };
    case 'promote':
    case 'demote':
    case 'remove':
      return { kind: word, id };
    default:
      throw new Error(`There is no change "${word}".`);
  }
}

function disk(world: World, id: string, how: string | undefined, count: string | undefined): void {
  const member = world.live(id);
  if (how === 'slow') member.isDiskHeld = true;
  else if (how === 'fast') {
    member.isDiskHeld = false;
    world.cluster.messages.push(...member.releaseDisk());
  } else if (how === 'flush') {
    world.cluster.run(id);
    world.cluster.messages.push(...member.releaseDisk(count === undefined ? undefined : Number(count)));
  } else throw new Error(`A disk is slow, fast, or told to flush, and not "${how}".`);
}
