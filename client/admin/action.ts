import { type ReadonlySignal, signal } from '@preact/signals';
import { GradswarmError } from '../../shared/base/errors.ts';
import { messageOf } from './error-words.ts';

export interface ActionFailure {
  readonly message: string;
  /** Path of the field at fault; empty where none is. */
  readonly field: string;
}

/** Something that a person starts with a button: at most one at a time, its failure kept until the next try. */
export interface Action<Arguments extends readonly unknown[]> {
  readonly isPending: ReadonlySignal<boolean>;
  readonly failure: ReadonlySignal<ActionFailure | undefined>;
  run(...args: Arguments): Promise<void>;
}

export function createAction<Arguments extends readonly unknown[]>(
  perform: (...args: Arguments) => Promise<void>,
): Action<Arguments> {
  const isPending = signal(false);
  const failure = signal<ActionFailure | undefined>(undefined);
  return {
    isPending,
    failure,
    async run(...args) {
      if (isPending.value) return;
      isPending.value = true;
      failure.value = undefined;
      try {
        await perform(...args);
      } catch (error) {
        failure.value = {
          message: messageOf(error),
          field: error instanceof GradswarmError ? (error.field ?? '') : '',
        };
      } finally {
        isPending.value = false;
      }
    },
  };
}
