// What a service and its servers are called, in keepalived's words: people's alerts search the log for them.

import type { ServiceIdentity } from '../../dataplane/protocol.js';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * `[203.0.113.10]:tcp:80`, `FWM 80`, `[GROUP]:tcp`. keepalived gives IPv4 and IPv6 services of a mark one name, and numbers the services of a
 * group in the order of the file; here each has a name of its own, which stays when others come and go.
 */
export function nameOf(identity: ServiceIdentity): string {
  switch (identity.kind) {
    case 'address':
      return serverName(identity, identity);
    case 'fwmark':
      return identity.family === 4 ? `FWM ${identity.mark}` : `FWM ${identity.mark} IPv6`;
    case 'group':
      return `[${identity.group}]:${identity.protocol}`;
  }
}

/** `[10.11.12.1]:tcp:80`; a service of a firewall mark has no protocol. */
export function serverName(service: ServiceIdentity, { address, port }: Endpoint): string {
  return `[${address}]:${service.kind === 'fwmark' ? 'none' : service.protocol}:${port}`;
}
