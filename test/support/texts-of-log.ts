import type { ReplicatedLog } from '../../server/runtime/ports.ts';

/** The state that a coordinator would have: the texts of all commands, a snapshot being their list. */
export async function textsOf(log: ReplicatedLog): Promise<string[]> {
  let texts: string[] = [];
  const last = await log.barrier();
  for await (const item of log.committed(0)) {
    if (item.kind === 'snapshot') texts = new TextDecoder().decode(item.bytes).split(',').filter(Boolean);
    if (item.kind === 'command') texts.push(new TextDecoder().decode(item.bytes));
    if (item.index >= last) break;
  }
  return texts;
}
