import { TcpProxy } from './tcp-proxy.ts';

/** A second address of a server, whose way there is as slow as is asked; the way back is not. */
export interface ThrottledUplink {
  readonly url: string;
  /** Of every connection on its own; undefined lifts the limit. */
  throttle(bytesPerSecond: number | undefined): void;
  close(): Promise<void>;
}

export async function openThrottledUplink(target: string): Promise<ThrottledUplink> {
  const { hostname, port } = new URL(target);
  const proxy = await TcpProxy.open({ target: { host: hostname, port: Number(port) }, seed: 1 });
  return {
    url: `http://127.0.0.1:${proxy.port}/`,
    throttle: (bytesPerSecond) => proxy.setFaults({ bytesPerSecond }, 'toTarget'),
    close: () => proxy.close(),
  };
}
