import { actions } from './actions.ts';
import { expectLine } from './expectations.ts';
import { Invariants } from './invariants.ts';
import type { Line, Scenario } from './parse.ts';
import { SetUp } from './set-up.ts';
import { World } from './world.ts';

/** Plays the lines one after the other; throws at the first that cannot be played, or is not true. */
export function runScenario({ lines }: Scenario): void {
  const setUp = new SetUp();
  const invariants = new Invariants();
  let world: World | undefined;
  for (const line of lines) {
    try {
      if (!world && setUp.take(line)) continue;
      world ??= new World(setUp.build());
      play(world, line);
      invariants.check(world);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Line ${line.number} "${line.text}": ${reason}`);
    }
  }
  if (world) forbidRefusal(world);
}

function play(world: World, line: Line): void {
  if (line.word === 'expect') {
    if (line.words[0] !== 'refused') forbidRefusal(world);
    expectLine(world, line);
    return;
  }
  forbidRefusal(world);
  const action = Object.hasOwn(actions, line.word) ? actions[line.word] : undefined;
  if (!action) throw new Error(`There is no word "${line.word}".`);
  if (line.values) throw new Error('Only expectations and the set-up have values.');
  action(world, line.words);
}

/** A request that is refused must be expected to be. */
function forbidRefusal(world: World): void {
  const { outcome } = world;
  if (outcome?.kind === 'notLeader' || outcome?.kind === 'refused') {
    throw new Error(`The last request was refused: ${JSON.stringify(outcome)}.`);
  }
}
