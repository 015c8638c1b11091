// Which addresses this host has, and when that changes.

import type { HeldAddresses } from '../health/driver.js';
import type { Host } from './netlink.js';

export function heldAddresses(host: Pick<Host, 'interfaces' | 'onLinkChange'>): HeldAddresses {
  return {
    holds: (address) => host.interfaces.some(({ addresses }) => addresses.some((held) => held.address === address)),
    onChange: (listener) => host.onLinkChange(() => listener()),
  };
}
