// A virtual address in keepalived's words.

import type { VirtualAddress, VrrpInstance } from '../config/model.js';

/** As keepalived.json and the data dump have it; programs split it at spaces. */
export function addressLine({ address, family, prefixLength, device }: VirtualAddress, instance: VrrpInstance): string {
  const isHost = prefixLength === (family === 4 ? 32 : 128);
  return `${address}${isHost ? '' : `/${prefixLength}`} dev ${device ?? instance.interface} scope global`;
}
