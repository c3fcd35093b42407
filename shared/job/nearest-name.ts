/** Insertions, deletions, replacements and swaps of neighbours between two texts: optimal string alignment. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const [mine, theirs] = [from[row - 1], to[column - 1]];
      const replaced = (previous[column - 1] ?? 0) + (mine === theirs ? 0 : 1);
      const inserted = (current[column - 1] ?? 0) + 1;
      const deleted = (previous[column] ?? 0) + 1;
      const isSwap = row > 1 && column > 1 && mine === to[column - 2] && from[row - 2] === theirs;
      const swapped = isSwap ? (beforePrevious[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(replaced, inserted, deleted, swapped));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}

/** The known name that someone probably meant; undefined when none is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const asked = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.floor(name.length / 2) + 1;
  for (const candidate of known) {
    const isBeginning = asked.length >= 3 && candidate.toLowerCase().startsWith(asked);
    const distance = isBeginning ? 0.5 : editDistance(asked, candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}
