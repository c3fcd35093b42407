import type { Entry } from '../../server/raft/entry.ts';
import type { Line } from './parse.ts';
import { parseSelection } from './selection.ts';
import { stateOf } from './state-machine.ts';
import type { World } from './world.ts';

type Observation = (world: World, id: string) => readonly (string | number | undefined)[];

/** `expect WHAT members…: values…`: each of the members shows these values. */
const observations: Readonly<Record<string, Observation>> = {
  term: (world, id) => [status(world, id).term],
  role: (world, id) => [status(world, id).role],
  /** Whom it takes for the leader. */
  following: (world, id) => [status(world, id).leader],
  commit: (world, id) => [status(world, id).commit],
  /** The first and the last entry in memory. */
  range: (world, id) => [status(world, id).firstIndex, status(world, id).lastIndex],
  voters: (world, id) => status(world, id).configuration.voters,
  /** Empty unless the configuration is joint. */
  outgoing: (world, id) => status(world, id).configuration.outgoing,
  learners: (world, id) => status(world, id).configuration.learners,
  transfer: (world, id) => [status(world, id).transferTarget],
  /** The term of every entry on the disk, with its command. */
  log: (world, id) => world.live(id).disk.entries.map(entryText),
  vote: (world, id) => [world.live(id).disk.hardState.vote || undefined],
  snapshot: (world, id) => [world.live(id).disk.snapshot?.meta.index],
  /** The commands that were handed out as committed, and those that the table of sessions let through. */
  committed: (world, id) => stateOf(world.live(id)).committed,
  applied: (world, id) => stateOf(world.live(id)).applied,
  /** The answers since the start; `again` when the read has to be asked again. */
  read: (world, id) => world.live(id).reads.map(({ index }) => index ?? 'again'),
};

export function expectLine(world: World, { words, values }: Line): void {
  const [what = '', ...rest] = words;
  const observe = observations[what];
  if (observe) {
    if (values === undefined || rest.length === 0) throw new Error('Who is to show what?');
    for (const id of rest) compare(`${what} ${id}`, observe(world, id), values);
  } else if (what === 'leader' || words.join(' ') === 'no leader') {
    const leaders = world.liveIds().filter((id) => status(world, id).role === 'leader');
    compare('leader', leaders, what === 'no' ? [] : rest);
  } else if (what === 'progress') {
    const [leader = '', id = ''] = rest;
    const progress = status(world, leader).progress.get(id);
    compare('progress', progress ? [progress.state, progress.matchIndex] : [], values ?? []);
  } else if (what === 'sent') {
    world.cluster.run();
    const { length } = world.cluster.messages.filter(parseSelection(rest));
    compare('sent', [length], values ?? []);
  } else if (what === 'refused') expectRefusal(world, rest);
  else throw new Error(`Nothing is known of "${what}".`);
}

function status(world: World, id: string) {
  return world.live(id).raft.status();
}

/** `expect refused badChange`: the last request was, for this reason if one is named. */
function expectRefusal(world: World, [reason]: readonly string[]): void {
  const { outcome } = world;
  world.outcome = undefined;
  if (outcome?.kind !== 'notLeader' && outcome?.kind !== 'refused') throw new Error('It was not refused.');
  const actual = outcome.kind === 'refused' ? outcome.reason : outcome.kind;
  if (reason !== undefined) compare('reason', [actual], [reason]);
}

/** In logs, the term alone stands for every entry of that term. */
function compare(
  name: string,
  actual: readonly (string | number | undefined)[],
  values: readonly string[],
): void {
  const texts = actual.flatMap((value, place) => {
    if (value === undefined) return [];
    return [values[place]?.includes(':') ? `${value}` : `${value}`.replace(/:.*/, '')];
  });
  if (texts.join(' ') === values.join(' ')) return;
  throw new Error(`${name} is "${actual.join(' ')}" and not "${values.join(' ')}".`);
}

function entryText({ term, body }: Entry): string {
  if (body.kind === 'noop') return `${term}`;
  return `${term}:${body.kind === 'command' ? new TextDecoder().decode(body.bytes) : 'members'}`;
}
