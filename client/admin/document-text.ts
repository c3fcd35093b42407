/** Indented, with lists of numbers on one line. */
export function documentText(document: object): string {
  return JSON.stringify(document, undefined, 2).replace(/\[[\s\d.,-]+\]/g, (list) =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}
