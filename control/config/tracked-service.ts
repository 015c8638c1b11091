// By which words track_virtual_server knows a service: those after `virtual_server`, with or without the protocol.

import type { VirtualServer } from './model.js';

export function headsOf({ identity, name }: Pick<VirtualServer, 'identity' | 'name'>): string[] {
  switch (identity.kind) {
    case 'fwmark':
      return [name, `fwmark ${identity.mark}`];
    case 'group':
      return [name, ...withProtocol(`group ${identity.group}`, identity.protocol)];
    case 'address':
      return [name, ...withProtocol(`${identity.address} ${identity.port}`, identity.protocol)];
  }
}

function withProtocol(head: string, protocol: string): string[] {
  return [head, `${head} ${protocol}`];
}
