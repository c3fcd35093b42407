import type { Model } from './model.ts';

/** A list that only grows, as a chain: equal lists are the same node. */
export interface ListNode {
  readonly id: number;
  readonly length: number;
  readonly parent: ListNode | undefined;
  readonly element: string;
}

export type ListInput =
  | { readonly kind: 'read' }
  /** A command of a client, who numbers them: one that was appended already is not appended again. */
  | { readonly kind: 'append'; readonly clientId: string; readonly sequence: number };

export type ListOutput =
  | { readonly kind: 'elements'; readonly elements: readonly string[] }
  /** Where the command is, from 0. */
  | { readonly kind: 'position'; readonly position: number };

export function elementOf(clientId: string, sequence: number): string {
  return `${clientId}:${sequence}`;
}

/** Commands in the order in which they took effect, each of them once. The model remembers every list it ever made. */
export function createAppendListModel(): Model<ListNode, ListInput, ListOutput> {
  const nodes = new Map<string, ListNode>();
  const initial: ListNode = { id: 0, length: 0, parent: undefined, element: '' };

  const append = (parent: ListNode, element: string): ListNode => {
    const key = `${parent.id} ${element}`;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const node = { id: nodes.size + 1, length: parent.length + 1, parent, element };
    nodes.set(key, node);
    return node;
  };

  return {
    initial,
    apply(state, input) {
      if (input.kind === 'read') return { state, output: { kind: 'elements', elements: elementsOf(state) } };
      const element = elementOf(input.clientId, input.sequence);
      const position = positionOf(state, element);
      if (position !== undefined) return { state, output: { kind: 'position', position } };
      return { state: append(state, element), output: { kind: 'position', position: state.length } };
    },
    accepts(expected, observed) {
      if (expected.kind === 'position')
        return observed.kind === 'position' && observed.position === expected.position;
      if (observed.kind !== 'elements' || observed.elements.length !== expected.elements.length) return false;
      return expected.elements.every((element, index) => element === observed.elements[index]);
    },
    stateKey: ({ id }) => String(id),
    changesNothing: ({ kind }) => kind === 'read',
  };
}

function elementsOf(list: ListNode): string[] {
  const elements: string[] = [];
  for (let node: ListNode | undefined = list; node?.parent !== undefined; node = node.parent)
    elements.push(node.element);
  return elements.reverse();
}

function positionOf(list: ListNode, element: string): number | undefined {
  for (let node: ListNode | undefined = list; node?.parent !== undefined; node = node.parent)
    if (node.element === element) return node.length - 1;
  return undefined;
}
