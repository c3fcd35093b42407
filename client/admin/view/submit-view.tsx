import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { type ActionFailure, createAction } from '../action.ts';
import type { Coordinator } from '../coordinator.ts';
import { documentText } from '../document-text.ts';
import { jobExamples } from '../job-examples.ts';
import { checkJson } from '../json-check.ts';
import { locateField } from '../json-location.ts';
import { routeHash } from '../route.ts';

/** A job document, begun from an example; what the coordinator refuses is shown at its field. */
export function SubmitView({ coordinator }: { readonly coordinator: Coordinator }) {
  const text = useSignal(exampleText(0));
  const editor = useRef<HTMLTextAreaElement>(null);
  const submit = useMemo(
    () =>
      createAction(async () => {
        checkJson(text.value);
        const jobId = await coordinator.submitJob(text.value);
        location.hash = routeHash({ view: 'job', jobId });
      }),
    [coordinator],
  );
  const failure = submit.failure.value;
  return (
    <section class="stack" aria-labelledby="view-title">
      <p class="small">
        <a href={routeHash({ view: 'jobs' })}>All jobs</a>
      </p>
      <h1 id="view-title">Submit a job</h1>
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit.run();
        }}
      >
        <ExampleChoice
          onChoose={(index) => {
            text.value = exampleText(index);
          }}
        />
        <div class="stack tight">
          <label for="document">Job document (JSON)</label>
          <textarea
            id="document"
            ref={editor}
            rows={24}
            spellcheck={false}
            autoComplete="off"
            wrap="off"
            value={text.value}
            aria-invalid={failure !== undefined}
            aria-describedby={failure === undefined ? undefined : 'document-failure'}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        </div>
        {failure === undefined ? null : (
          <DocumentFailure
            failure={failure}
            text={text.value}
            onShow={(range) => select(editor.current, range)}
          />
        )}
        <div class="row">
          <button type="submit" class="primary" aria-disabled={submit.isPending.value}>
            Submit
          </button>
        </div>
      </form>
    </section>
  );
}

function ExampleChoice({ onChoose }: { readonly onChoose: (index: number) => void }) {
  return (
    <div class="stack tight">
      <label for="example">Start from</label>
      <select id="example" onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {jobExamples.map(({ name, title }, index) => (
          <option key={name} value={index}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}

interface DocumentFailureProps {
  readonly failure: ActionFailure;
  readonly text: string;
  readonly onShow: (range: { readonly start: number; readonly end: number }) => void;
}

function DocumentFailure({ failure, text, onShow }: DocumentFailureProps) {
  const range = failure.field === '' ? undefined : locateField(text, failure.field);
  return (
    <div id="document-failure" class="notice danger" role="alert">
      <p>
        {range === undefined ? null : <strong>Line {range.line}: </strong>}
        {failure.message}
      </p>
      {range === undefined ? null : (
        <div class="row">
          <button type="button" onClick={() => onShow(range)}>
            Show in the document
          </button>
        </div>
      )}
    </div>
  );
}

function exampleText(index: number): string {
  return documentText(jobExamples[index]?.document ?? {});
}

function select(
  editor: HTMLTextAreaElement | null,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  if (editor === null) return;
  editor.focus();
  editor.setSelectionRange(start, end);
  // Browsers do not scroll a textarea to its selection.
  const line = editor.value.slice(0, start).split('\n').length;
  const lineHeight = Number.parseFloat(getComputedStyle(editor).lineHeight);
  editor.scrollTop = Math.max(0, (line - 4) * lineHeight);
}
