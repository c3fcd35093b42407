import type { Model } from './model.ts';

export type RegisterValue = string | undefined;

export type RegisterInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly value: string }
  | { readonly kind: 'compareAndSet'; readonly expected: RegisterValue; readonly value: string };

export type RegisterOutput =
  | { readonly kind: 'value'; readonly value: RegisterValue }
  | { readonly kind: 'written' }
  | { readonly kind: 'compared'; readonly isSet: boolean };

/** One value, which is `undefined` before the first write. */
export const registerModel: Model<RegisterValue, RegisterInput, RegisterOutput> = {
  initial: undefined,
  apply(state, input) {
    switch (input.kind) {
      case 'read':
        return { state, output: { kind: 'value', value: state } };
      case 'write':
        return { state: input.value, output: { kind: 'written' } };
      case 'compareAndSet': {
        const isSet = state === input.expected;
        return { state: isSet ? input.value : state, output: { kind: 'compared', isSet } };
      }
    }
  },
  accepts(expected, observed) {
    if (expected.kind === 'value') return observed.kind === 'value' && observed.value === expected.value;
    if (expected.kind === 'compared')
      return observed.kind === 'compared' && observed.isSet === expected.isSet;
    return observed.kind === 'written';
  },
  stateKey: (state) => (state === undefined ? '' : `=${state}`),
  changesNothing: (input, observed) =>
    input.kind === 'read' || (observed?.kind === 'compared' && !observed.isSet),
};
