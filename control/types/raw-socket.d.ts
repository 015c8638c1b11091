// What natlb uses of raw-socket 1.8.1, which ships no types.

declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events';

  namespace raw {
    interface Socket extends EventEmitter {
      on(event: 'message', listener: (message: Buffer, source: string) => void): this;
      on(event: 'error', listener: (error: Error) => void): this;
      on(event: 'close', listener: () => void): this;
      setOption(level: number, option: number, value: number): void;
      setOption(level: number, option: number, value: Buffer, length: number): void;
      pauseRecv(): this;
      send(buffer: Buffer, offset: number, length: number, address: string, sent: (error: Error | null, bytes: number) => void): this;
      close(): this;
    }
    /** 1 = IPv4, 2 = IPv6. */
    function createSocket(options: { protocol: number; addressFamily: 1 | 2 }): Socket;
  }
  export = raw;
}
