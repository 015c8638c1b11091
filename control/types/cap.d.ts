// What natlb uses of cap 0.2.1, which ships no types.

declare module 'cap' {
  import type { EventEmitter } from 'node:events';

  namespace cap {
    class Cap extends EventEmitter {
      /** `buffer` is written to for as long as the handle is open, and must outlive it. Answers with the link type: `ETHERNET`, … */
      open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
      send(frame: Buffer, length: number): void;
    }
  }
  export = cap;
}
