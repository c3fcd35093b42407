import { assert } from '../../shared/base/assert.ts';

/** The element of the page's own HTML that the view fills, without what it showed before the script came. */
export function mountPoint(id: string): HTMLElement {
  const element = document.getElementById(id);
  assert(element !== null, `the page has an element #${id}`);
  element.replaceChildren();
  return element;
}
