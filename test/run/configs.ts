// Configurations for the place: one instance that holds the virtual address, and services behind it.

import { PORT, VIP } from './place.js';

export interface Wishes {
  readonly globals?: string;
  readonly settings?: string;
  readonly vips?: readonly string[];
  readonly interface?: string;
  /** More lines of the instance. */
  readonly instance?: string;
  readonly services?: string;
}

/** An advert every half second: the fastest that leaves a standby's wait (and so the grace) of some length. */
export function config({
  globals = '',
  settings = '',
  vips = [VIP],
  interface: name = 'eth0',
  instance = '',
  services = service(),
}: Wishes = {}): string {
  return `
global_defs {
  router_id test
  vrrp_version 3
  ${globals}
}
natlb {
  flow_table_size 10000
  ${settings}
}
vrrp_instance PUBLIC {
  state MASTER
  interface ${name}
  virtual_router_id 50
  priority 254
  advert_int 0.5
  ${instance}
  virtual_ipaddress {
    ${vips.join('\n    ')}
  }
}
${services}`;
}

export function service(port = PORT, servers: readonly number[] = [PORT]): string {
  const reals = servers.map((number) => `  real_server 10.11.12.1 ${number} {\n    weight 1\n  }`);
  return `virtual_server ${VIP} ${port} {\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n${reals.join('\n')}\n}\n`;
}
