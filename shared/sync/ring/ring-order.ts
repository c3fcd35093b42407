/**
 * Bytes a second from one member to another, as measured in earlier rings; undefined for a pair that was never linked, and 0
 * for one that had better not be.
 */
export type LinkSpeed = (from: string, to: string) => number | undefined;

/** Rings up to this size are ordered by looking at all orders; larger ones are improved so often at most. */
const exactMembersMax = 7;
const passesMax = 4;

/**
 * Every link of a ring carries the same bytes, so a ring is as fast as its slowest link: members are put in the order
 * whose slowest link is the fastest, then the one whose second slowest is, and so on. A pair that was never linked
 * counts as the median of those that were, so it is tried in place of a link that is slower than most. The same speeds
 * give the same order, whatever the order of `members`.
 */
export function orderByBandwidth(members: readonly string[], speed: LinkSpeed): readonly string[] {
  const sorted = members.toSorted();
  if (sorted.length < 3) return sorted;
  const known = sorted.flatMap((from) =>
    sorted.flatMap((to) => (from === to ? [] : (speed(from, to) ?? []))),
  );
  if (known.length === 0) return sorted;
  // A pair that is kept apart says nothing of others.
  const measured = known.filter((each) => each > 0).sort((a, b) => a - b);
  const assumed = measured[measured.length >> 1] ?? 1;
  const speedOf: Speed = (from, to) => speed(from, to) ?? assumed;
  return sorted.length <= exactMembersMax
    ? bestOrder(sorted, speedOf)
    : improve(greedy(sorted, speedOf), speedOf);
}

type Speed = (from: string, to: string) => number;

/** Slowest link, then the second slowest, and so on: the first difference decides. */
function linkSpeeds(ring: readonly string[], speed: Speed): readonly number[] {
  return ring.map((from, index) => speed(from, ring[(index + 1) % ring.length]!)).sort((a, b) => a - b);
}

function isFaster(left: readonly number[], right: readonly number[]): boolean {
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return left[index]! > right[index]!;
  }
  return false;
}

function bestOrder(members: readonly string[], speed: Speed): readonly string[] {
  let best = members;
  let bestSpeeds = linkSpeeds(members, speed);
  const visit = (ring: readonly string[], rest: readonly string[]): void => {
    if (rest.length === 0) {
      const speeds = linkSpeeds(ring, speed);
      if (!isFaster(speeds, bestSpeeds)) return;
      best = ring;
      bestSpeeds = speeds;
      return;
    }
    for (const member of rest)
      visit(
        [...ring, member],
        rest.filter((other) => other !== member),
      );
  };
  // A ring has no beginning.
  visit(members.slice(0, 1), members.slice(1));
  return best;
}

/** From each member to the fastest that is left. */
function greedy(members: readonly string[], speed: Speed): readonly string[] {
  const ring = members.slice(0, 1);
  const rest = new Set(members.slice(1));
  while (rest.size > 0) {
    const from = ring.at(-1)!;
    const next = [...rest].reduce((best, to) => (speed(from, to) > speed(from, best) ? to : best));
    rest.delete(next);
    ring.push(next);
  }
  return ring;
}

/** Swaps two members as long as that helps. */
function improve(start: readonly string[], speed: Speed): readonly string[] {
  let ring = start;
  let speeds = linkSpeeds(ring, speed);
  for (let pass = 0; pass < passesMax; pass++) {
    let isBetter = false;
    for (let left = 1; left < ring.length; left++) {
      for (let right = left + 1; right < ring.length; right++) {
        const candidate = ring.with(left, ring[right]!).with(right, ring[left]!);
        const candidateSpeeds = linkSpeeds(candidate, speed);
        if (!isFaster(candidateSpeeds, speeds)) continue;
        ring = candidate;
        speeds = candidateSpeeds;
        isBetter = true;
      }
    }
    if (!isBetter) break;
  }
  return ring;
}
