/** Lets the browser save bytes that were fetched with a token, which a plain link could not carry. */
export function saveBlob(blob: Blob, fileName: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName.split('/').at(-1) ?? fileName;
  link.click();
  // The download has taken its own reference when the click returns.
  URL.revokeObjectURL(address);
}
