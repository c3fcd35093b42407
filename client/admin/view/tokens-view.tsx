import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { CreateTokenResponse, TokenStatus } from '../../../shared/protocol/services.ts';
import { createAction } from '../action.ts';
import type { Coordinator } from '../coordinator.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { type Column, DataTable } from './data-table.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { NewTokenForm } from './new-token-form.tsx';
import { usePolledList } from './use-polled-list.ts';

const dateFormat = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

export function TokensView({ coordinator }: { readonly coordinator: Coordinator }) {
  const list = usePolledList(coordinator.listTokens);
  const created = useSignal<CreateTokenResponse | undefined>(undefined);
  const doomed = useSignal<TokenStatus | undefined>(undefined);
  const isConfirming = useSignal(false);
  const revoke = useMemo(
    () =>
      createAction(async (tokenId: string) => {
        await coordinator.revokeToken(tokenId);
        await list.refresh();
      }),
    [coordinator, list],
  );
  const columns: readonly Column<TokenStatus>[] = [
    { name: 'Name', cell: ({ name }) => name || '–' },
    { name: 'Role', cell: ({ role }) => role },
    { name: 'Created', cell: ({ createdAtMs }) => dateFormat.format(createdAtMs) },
    {
      name: 'Action',
      cell: (token) => (
        <button
          type="button"
          class="danger"
          aria-label={`Revoke ${token.name || token.tokenId}`}
          onClick={() => {
            doomed.value = token;
            isConfirming.value = true;
          }}
        >
          Revoke
        </button>
      ),
    },
  ];
  return (
    <section class="stack" aria-labelledby="view-title">
      <h1 id="view-title">Tokens</h1>
      <NewTokenForm
        coordinator={coordinator}
        onCreated={(response) => {
          created.value = response;
          void list.refresh();
        }}
      />
      {created.value === undefined ? null : (
        <CreatedToken
          key={created.value.tokenId}
          token={created.value.token}
          onDone={() => {
            created.value = undefined;
          }}
        />
      )}
      <FailureNotice message={revoke.failure.value?.message ?? list.error.value} />
      <div class="card">
        <DataTable
          caption="Tokens in use"
          columns={columns}
          rows={list.items.value}
          keyOf={({ tokenId }) => tokenId}
          empty="There is no token."
        />
      </div>
      <ConfirmDialog
        isOpen={isConfirming}
        title={`Revoke “${doomed.value?.name || doomed.value?.tokenId || ''}”?`}
        text="Whoever uses it is refused from now on. This cannot be undone."
        confirmName="Revoke"
        keepName="Keep"
        onConfirm={() => {
          if (doomed.value !== undefined) void revoke.run(doomed.value.tokenId);
        }}
      />
    </section>
  );
}

/** The only time that a token is shown. */
function CreatedToken({ token, onDone }: { readonly token: string; readonly onDone: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const copied = useSignal('');
  useEffect(() => field.current?.focus(), []);
  const copy = async (): Promise<void> => {
    field.current?.select();
    try {
      // Absent on insecure origins.
      await navigator.clipboard.writeText(token);
      copied.value = 'Copied.';
    } catch {
      copied.value = 'Copying is not allowed here: the token is selected, press Ctrl+C or ⌘C.';
    }
  };
  return (
    <section class="notice success stack" aria-labelledby="created-title">
      <h2 id="created-title">The new token</h2>
      <label for="created-token">Copy it now: it is not shown again, and only its hash is stored.</label>
      <div class="row">
        <input id="created-token" class="grow" ref={field} readOnly value={token} spellcheck={false} />
        <button type="button" class="primary" onClick={() => void copy()}>
          Copy
        </button>
        <button type="button" onClick={onDone}>
          Done
        </button>
      </div>
      <p role="status" class="small">
        {copied.value}
      </p>
    </section>
  );
}
