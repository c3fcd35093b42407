import { afterAll, describe, expect, it } from 'vitest';
import { hunt } from './hunt.ts';
import { plantedBugs } from './planted-bugs.ts';
import { loadWithBug, removeCopies } from './planted-core.ts';

const seedsMax = 150;
const minutes = 10;

/** What breaks the copy rather than a promise says nothing about the worlds. */
const brokenCopy = /is not defined|is not a function|Cannot read/;

describe('a bug that other implementations have had', () => {
  const rows: string[] = [];

  afterAll(() => {
    removeCopies();
    process.stdout.write(`seeds to catch\n${rows.join('\n')}\n`);
  });

  it.each(plantedBugs)('is caught: $name', async (bug) => {
    const { seeds, message } = hunt(await loadWithBug(bug), 1, seedsMax, minutes);
    rows.push(`${String(seeds).padStart(6)}  ${bug.name}`);
    expect(message).not.toMatch(brokenCopy);
    expect(seeds, message).toBeGreaterThan(0);
  });

  it('is one of at least twenty', () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(20);
  });
});
