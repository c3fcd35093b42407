import type { EngineHome } from '../worker/engine/engine-home.ts';
import { adapterInWords, isSoftwareAdapter } from '../worker/engine/webgpu-adapter.ts';
import { requestAdapter } from '../worker/engine/webgpu-engine.ts';
import { messageOf } from '../worker/session/refusal.ts';
import type { BackendProbe, BrowserBackend } from './worker-api.ts';

/** Says what a start would use. Opens no device, so that a worker that runs meanwhile is not disturbed. */
export async function probeBackend(backend: BrowserBackend, home: EngineHome): Promise<BackendProbe> {
  const place = {
    secureContext: globalThis.isSecureContext,
    webgpuPresent: (await home.gpu()) !== undefined,
  };
  if (backend === 'auto' || backend === 'webgpu') {
    try {
      const { info } = await requestAdapter(home, backend === 'webgpu');
      const device = adapterInWords(info);
      return { ...place, engine: 'webgpu', device, softwareAdapter: isSoftwareAdapter(info), reason: '' };
    } catch (error) {
      return { ...place, ...onProcessor('auto'), reason: messageOf(error) };
    }
  }
  return { ...place, ...onProcessor(backend), reason: `The ${backend} back end was chosen.` };
}

function onProcessor(backend: BrowserBackend): Pick<BackendProbe, 'engine' | 'device' | 'softwareAdapter'> {
  return backend !== 'cpu' && typeof WebAssembly === 'object'
    ? { engine: 'wasm', device: 'WebAssembly on the CPU', softwareAdapter: false }
    : { engine: 'cpu', device: 'JavaScript on the CPU', softwareAdapter: false };
}
