import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { kernelsBinary } from '../../../../../../client/worker/engine/wasm/kernels-binary.ts';

describe('kernels-binary.ts', () => {
  it('is what the .wat files compile to', async () => {
    const script = fileURLToPath(
      new URL('../../../../../../client/worker/engine/wasm/build-kernels.mjs', import.meta.url),
    );
    const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
    expect(stderr).toBe('');
  });

  it('is valid WebAssembly that needs only a memory', () => {
    for (const [name, base64] of Object.entries(kernelsBinary)) {
      const module = new WebAssembly.Module(Buffer.from(base64, 'base64'));
      const imports = WebAssembly.Module.imports(module);
      expect(imports, name).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    }
  });
});
