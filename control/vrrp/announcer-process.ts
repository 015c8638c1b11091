// The process that puts announcements on the wire: the only file that knows cap, and nothing else of natlb runs in it.
// cap aborts its process when an interface it holds is taken down, keeps that interface promiscuous, and cannot close a handle safely. So it
// lives in a process of its own, which opens a handle when it is needed and closes it the one safe way: by ending, when its parent lets go of it.

import cap from 'cap';
import type { AnnouncerMessage } from './announcer.js';

/** Takes in nothing: this Ethernet type is kept for local experiments. A filter that does not compile would crash cap. */
const FILTER = 'ether proto 0x88b5';
const BUFFER_LENGTH = 65_536;

/** cap writes to the buffer for as long as the handle is open, whoever else still knows it. */
const handles = new Map<string, { readonly handle: cap.Cap; readonly buffer: Buffer }>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
process.on('message', (message: AnnouncerMessage) => {
  try {
    perform(message);
  } catch (error) {
    process.send?.(`cannot announce on ${message.interface}: ${(error as Error).message}`);
  }
});

function perform(message: AnnouncerMessage): void {
  const handle = open(message.interface, message.index);
  for (let i = 0; i < message.repeat; i++) {
    for (const frame of message.frames) handle.send(Buffer.from(frame), frame.length);
  }
}

/** Once for each interface; one that was made anew has a new index. */
function open(name: string, index: number): cap.Cap {
  const key = `${name}/${index}`;
  const known = handles.get(key);
  if (known !== undefined) return known.handle;
  const opened = { handle: new cap.Cap(), buffer: Buffer.alloc(BUFFER_LENGTH) };
  handles.set(key, opened);
  opened.handle.on('error', () => {});
  const linkType = opened.handle.open(name, FILTER, BUFFER_LENGTH, opened.buffer);
  if (linkType !== 'ETHERNET') throw new Error(`expected an Ethernet interface, found ${linkType}`);
  return opened.handle;
}
