import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { limits } from '../../../shared/base/limits.ts';
import type { CreateTokenResponse } from '../../../shared/protocol/services.ts';
import { createAction } from '../action.ts';
import type { Coordinator, TokenRole } from '../coordinator.ts';
import { FailureNotice } from './failure-notice.tsx';

interface NewTokenFormProps {
  readonly coordinator: Coordinator;
  readonly onCreated: (response: CreateTokenResponse) => void;
}

const roles: readonly { readonly role: TokenRole; readonly words: string }[] = [
  { role: 'contributor', words: 'contributor: a browser tab' },
  { role: 'worker', words: 'worker: a headless machine' },
  { role: 'admin', words: 'admin: this page and the command line' },
];

export function NewTokenForm({ coordinator, onCreated }: NewTokenFormProps) {
  const name = useSignal('');
  const role = useSignal<TokenRole>('contributor');
  const create = useMemo(
    () =>
      createAction(async () => {
        onCreated(await coordinator.createToken(name.value.trim(), role.value));
        name.value = '';
      }),
    [coordinator],
  );
  return (
    <form
      class="card row form"
      aria-label="New token"
      onSubmit={(event) => {
        event.preventDefault();
        void create.run();
      }}
    >
      <div class="stack tight grow">
        <label for="token-name">Name</label>
        <input
          id="token-name"
          required
          maxLength={limits.nameCharactersMax}
          autoComplete="off"
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </div>
      <div class="stack tight grow">
        <label for="token-role">Role</label>
        <select
          id="token-role"
          value={role.value}
          onChange={(event) => {
            role.value = event.currentTarget.value as TokenRole;
          }}
        >
          {roles.map((item) => (
            <option key={item.role} value={item.role}>
              {item.words}
            </option>
          ))}
        </select>
      </div>
      <button type="submit" class="primary" aria-disabled={create.isPending.value}>
        Create token
      </button>
      <FailureNotice message={create.failure.value?.message} />
    </form>
  );
}
