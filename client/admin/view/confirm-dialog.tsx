import { type Signal, useSignalEffect } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';

interface ConfirmDialogProps {
  readonly isOpen: Signal<boolean>;
  readonly title: string;
  readonly text: string;
  readonly confirmName: string;
  readonly keepName: string;
  readonly onConfirm: () => void;
}

/** Asks before something that cannot be undone. Escape keeps; the focus begins on the harmless button and returns. */
export function ConfirmDialog({ isOpen, title, text, confirmName, keepName, onConfirm }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const keepButton = useRef<HTMLButtonElement>(null);
  const id = useId();
  useSignalEffect(() => {
    if (!isOpen.value) {
      dialog.current?.close();
      return;
    }
    dialog.current?.showModal();
    keepButton.current?.focus();
  });
  const close = (): void => {
    isOpen.value = false;
  };
  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`} onClose={close}>
      <div class="stack">
        <h2 id={`${id}-title`}>{title}</h2>
        <p id={`${id}-text`}>{text}</p>
        <div class="row">
          <button type="button" ref={keepButton} onClick={close}>
            {keepName}
          </button>
          <button
            type="button"
            class="danger filled"
            onClick={() => {
              close();
              onConfirm();
            }}
          >
            {confirmName}
          </button>
        </div>
      </div>
    </dialog>
  );
}
