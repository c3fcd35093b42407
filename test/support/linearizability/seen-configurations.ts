/**
 * Which configurations a search has met. One with the same fixed part that has used a subset of the optional
 * operations makes another superfluous: whatever completes the other completes it as well.
 */
export class SeenConfigurations {
  readonly #usedSets = new Map<string, bigint[]>();

  /** False when `fixed` with `used`, or with fewer, was added before. */
  add(fixed: string, used: bigint): boolean {
    const sets = this.#usedSets.get(fixed);
    if (sets === undefined) {
      this.#usedSets.set(fixed, [used]);
      return true;
    }
    if (sets.some((known) => (known & used) === known)) return false;
    const kept = sets.filter((known) => (known & used) !== used);
    this.#usedSets.set(fixed, [...kept, used]);
    return true;
  }
}
