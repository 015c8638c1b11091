// One natlb in a network namespace: two would take each other's addresses and guard away.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface NetworkClaim {
  release(): void;
}

/** An abstract unix socket (unix(7)) exists once in a network namespace, and ends with its process however that ends. */
const NAME = '\0natlb';

/** Throws with a message for the operator when another natlb runs in this network namespace. */
export async function claimNetwork(): Promise<NetworkClaim> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen(NAME);
  try {
    await once(server, 'listening');
  } catch (problem) {
    const { code, message } = problem as NodeJS.ErrnoException;
    throw new Error(code === 'EADDRINUSE' ? 'another natlb runs in this network namespace' : message);
  }
  return { release: () => server.close() };
}

/** Whether somebody has claimed it. */
export async function isNetworkClaimed(): Promise<boolean> {
  const socket = connect(NAME);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
