import type { Verdict } from './check-history.ts';
import type { Operation } from './history.ts';

const operationsShown = 12;

/** What a failed test prints. */
export function describeVerdict<Input, Output>(verdict: Verdict<Input, Output>): string {
  if (verdict.kind === 'linearizable') return `linearizable after ${verdict.configurations} configurations`;
  if (verdict.kind === 'unknown')
    return `unknown: the search on ${verdict.key} was given up; ${verdict.configurations} configurations in all`;
  const { key, stuckAt, order } = verdict;
  return [
    `not linearizable on ${key}: no order explains`,
    `  ${describeOperation(stuckAt)}`,
    `after these operations, the last ${Math.min(operationsShown, order.length)} of ${order.length}:`,
    ...order.slice(-operationsShown).map((operation) => `  ${describeOperation(operation)}`),
  ].join('\n');
}

function describeOperation<Input, Output>({
  client,
  input,
  callTime,
  outcome,
}: Operation<Input, Output>): string {
  const given = outcome === undefined ? '?' : JSON.stringify(outcome.output);
  return `${client} [${callTime}, ${outcome?.returnTime ?? '?'}] ${JSON.stringify(input)} -> ${given}`;
}
