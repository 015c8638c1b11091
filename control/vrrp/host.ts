// What the VRRP driver needs from the machine it runs on: links, addresses, and the filter Node cannot make. Types only.

import type { AddressOptions, Route, Rule, VirtualMac } from '../config/kernel.js';

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 4 | 6;
  /** rtnetlink's word for how far the address reaches. */
  readonly scope: string;
}

export interface HostInterface {
  readonly index: number;
  /** `aa:bb:cc:dd:ee:ff` */
  readonly mac: string;
  /** Administratively up and with carrier. */
  readonly up: boolean;
  /** In the kernel's order: its own primary address of a family comes first. */
  readonly addresses: readonly InterfaceAddress[];
}

export interface VrrpHost {
  /** Undefined: there is no such interface. Answers from memory: it is asked often. */
  interface(name: string): HostInterface | undefined;
  /** Adding an address that is there already is no error. */
  addAddress(name: string, address: string, prefixLength: number, options?: AddressOptions): Promise<void>;
  /** Removing an address that is not there is no error. */
  removeAddress(name: string, address: string, prefixLength: number, options?: AddressOptions): Promise<void>;
  /** What it can do beyond addresses. Absent: nothing, and an instance that wants more says that it has not got it. */
  readonly kernel?: KernelHands;
  /** Calls back after a link came, went or changed, or its addresses did. Returns how to stop that. */
  onLinkChange(callback: () => void): () => void;
  /**
   * The file descriptor of a socket filter that passes IPv6 packets of these hop limits only: raw sockets do not show the hop limit.
   * The driver never closes it. Negative: there is no such filter, and IPv6 adverts are taken whatever their hop limit.
   */
  hopLimitFilter(lowest: number, highest: number): number;
}

/** Each throws what the operator has to know; what is there already, or gone already, is no error. */
export interface KernelHands {
  addRoute(route: Route): void;
  removeRoute(route: Route): void;
  addRule(rule: Rule): void;
  removeRule(rule: Rule): void;
  /** Of routes and rules that are tracked, those that are not there. */
  missingRoutes(wanted: readonly Route[]): readonly Route[];
  missingRules(wanted: readonly Rule[]): readonly Rule[];
  /** Calls back when something may have happened to them. Returns how to stop that. */
  onRouteChange(callback: () => void): () => void;
  /** Makes the interface unless it is there as it is wanted. */
  ensureVirtualMac(mac: VirtualMac): void;
  removeVirtualMac(mac: VirtualMac): void;
  /** Of addresses in one subnet the next becomes primary when that is removed. Returns how to let that be as it was. */
  promoteSecondaries(name: string): () => void;
}
