import type { PeerHandlers } from '../../runtime/peers.ts';

/** Handlers that are not called after the end; of those that nobody answers for, what they throw is told. */
export function guardHandlers(
  handlers: PeerHandlers,
  isClosed: () => boolean,
  onDefect: (error: unknown, what: string) => void,
): PeerHandlers {
  const guard =
    <Argument>(handle: (argument: Argument) => void, what: string) =>
    (argument: Argument): void => {
      if (isClosed()) return;
      try {
        handle(argument);
      } catch (error) {
        onDefect(error, what);
      }
    };
  return {
    ...handlers,
    onMessage: guard(handlers.onMessage, 'a message of another coordinator'),
    onPeerChanged: guard(handlers.onPeerChanged, 'a change of another coordinator'),
  };
}
