// The interfaces and addresses of this machine, for the checks that need them.

import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Host } from './host-check.js';

/** os.networkInterfaces() leaves out interfaces that are down or have no address, so their names come from the kernel. */
export function localHost(): Host {
  const addresses = networkInterfaces();
  return {
    interfaces: readdirSync('/sys/class/net').map((name) => ({
      name,
      addresses: (addresses[name] ?? []).map(({ address, cidr }) => ({ address, prefixLength: Number(cidr?.split('/')[1]) })),
    })),
  };
}
