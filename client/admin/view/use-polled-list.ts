import { useEffect, useMemo } from 'preact/hooks';
import { createPolledList, type PolledList } from '../polled-list.ts';

/** A list that is asked for while the component is shown. */
export function usePolledList<Item>(ask: () => Promise<readonly Item[]>): PolledList<Item> {
  const list = useMemo(() => createPolledList(ask), []);
  useEffect(() => list.poll(), [list]);
  return list;
}
