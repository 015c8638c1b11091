// What the health driver tells those who notify: a real server or a quorum that went up or down.

import type { RealServer, VirtualServer } from '../config/model.js';

/** `stopping`: natlb ends, which only services with omega tell. */
export type HealthEvent = { readonly state: 'UP' | 'DOWN'; readonly service: VirtualServer; readonly stopping?: true } & (
  | { readonly kind: 'server'; readonly server: RealServer }
  /** `weight`: of the servers that are up. */
  | { readonly kind: 'quorum'; readonly weight?: number }
);
