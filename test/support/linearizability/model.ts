/** What a kind of object does, one operation after the other. Deterministic. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The operation takes effect in `state`, which is not changed. */
  apply(state: State, input: Input): { readonly state: State; readonly output: Output };
  /** Whether a client may observe `observed` where the model gives `expected`. */
  accepts(expected: Output, observed: Output): boolean;
  /** Equal for equal states only. */
  stateKey(state: State): string;
  /**
   * Whether the operation leaves every state as it is in which it gives `observed`; without `observed`, every state at
   * all. Only saves work: `false` is always right.
   */
  changesNothing(input: Input, observed?: Output): boolean;
}
