import { useSignal } from '@preact/signals';
import { Wordmark } from '../../web/wordmark.tsx';
import type { Connection } from '../connection.ts';

export function SignIn({ connection }: { readonly connection: Connection }) {
  const token = useSignal('');
  const isConnecting = connection.state.value !== 'signedOut';
  const refusal = connection.refusal.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (token.value.trim() !== '') connection.signIn(token.value);
  };
  return (
    <main class="sign-in">
      <form class="card stack" onSubmit={submit}>
        <Wordmark />
        <h1>Control page</h1>
        <div class="stack tight">
          <label for="token">Admin token</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            spellcheck={false}
            required
            value={token.value}
            aria-describedby="token-hint"
            aria-invalid={refusal !== ''}
            aria-errormessage={refusal === '' ? undefined : 'token-refusal'}
            onInput={(event) => {
              token.value = event.currentTarget.value;
            }}
          />
          <p id="token-hint" class="small muted">
            The coordinator prints it when it starts. It stays in this tab only, until you sign out or close
            the tab.
          </p>
        </div>
        {refusal === '' ? null : (
          <p id="token-refusal" class="notice danger" role="alert">
            The coordinator refused the token: {refusal}
          </p>
        )}
        <div class="row">
          <button type="submit" class="primary" aria-disabled={isConnecting}>
            Sign in
          </button>
          {isConnecting ? (
            <button type="button" onClick={() => connection.signOut()}>
              Give up
            </button>
          ) : null}
        </div>
        <p role="status" class="small muted">
          {connection.state.value === 'connecting' ? 'Connecting…' : null}
          {connection.state.value === 'reconnecting'
            ? `${connection.trouble.value || 'The coordinator does not answer.'} Trying again…`
            : null}
        </p>
      </form>
    </main>
  );
}
