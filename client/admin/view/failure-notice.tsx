/** A failure of something that was asked for; nothing while there is none. */
export function FailureNotice({ message }: { readonly message: string | undefined }) {
  if (!message) return null;
  return (
    <p class="notice danger" role="alert">
      {message}
    </p>
  );
}
