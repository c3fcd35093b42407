import { logText } from '../unit/server/raft/support/test-cluster.ts';
import { stateOf } from './state-machine.ts';
import type { World } from './world.ts';

/** What holds in every scenario, whatever it expects; looked at after every line. */
export class Invariants {
  readonly #leaders = new Map<number, string>();
  readonly #votes = new Map<string, string>();
  readonly #committed = new Map<number, string>();

  check(world: World): void {
    for (const [id, member] of world.cluster.members) {
      const { term, vote } = member.disk.hardState;
      if (vote !== '') this.#hold(this.#votes, `${term} of ${id}`, vote, 'vote of term');
      const status = member.raft.status();
      if (status.role === 'leader') this.#hold(this.#leaders, status.term, id, 'leader of term');
      for (const entry of member.applied) {
        this.#hold(this.#committed, entry.index, logText([entry]), 'committed entry');
      }
      // Throws when entries have a gap.
      stateOf(member);
    }
  }

  #hold<Key>(seen: Map<Key, string>, key: Key, value: string, name: string): void {
    const before = seen.get(key) ?? value;
    if (before !== value) throw new Error(`The ${name} ${key} was "${before}" and is "${value}".`);
    seen.set(key, value);
  }
}
