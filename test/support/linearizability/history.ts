/**
 * One operation of a client on the object named `key`. Times are of one clock that all clients share; two operations
 * of which one returns at the very time at which the other is called count as concurrent.
 */
export interface Operation<Input, Output> {
  readonly client: string;
  readonly key: string;
  readonly input: Input;
  readonly callTime: number;
  /** Absent when the client never heard: it may take effect at any time after the call, or never. */
  readonly outcome?: { readonly returnTime: number; readonly output: Output };
}

/** An operation under way. Left alone, its outcome stays unknown. */
export interface OpenOperation<Output> {
  returned(output: Output): void;
  /** It certainly did not happen, and never will. */
  withdrawn(): void;
}

/** Writes down what clients in one thread do: the order of the calls here is the clock. */
export class HistoryRecorder<Input, Output> {
  readonly #operations = new Map<number, Operation<Input, Output>>();
  #time = 0;

  call(client: string, key: string, input: Input): OpenOperation<Output> {
    const callTime = this.#time++;
    this.#operations.set(callTime, { client, key, input, callTime });
    return {
      returned: (output) => {
        const outcome = { returnTime: this.#time++, output };
        this.#operations.set(callTime, { client, key, input, callTime, outcome });
      },
      withdrawn: () => this.#operations.delete(callTime),
    };
  }

  /** In the order of their calls. */
  operations(): Operation<Input, Output>[] {
    return [...this.#operations.values()];
  }
}
