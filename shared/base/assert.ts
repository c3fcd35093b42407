/** Throws for states that only a programming error can reach; expected failures are `GradswarmError`s. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

/** Makes a `switch` over a closed union exhaustive at compile time. */
export function assertNever(value: never): never {
  throw new Error(`Invariant broken: unexpected variant ${JSON.stringify(value)}`);
}
