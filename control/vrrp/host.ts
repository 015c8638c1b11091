// What the VRRP driver needs from the machine it runs on: links, addresses, and the filter Node cannot make. Types only.

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
  addAddress(name: string, address: string, prefixLength: number): Promise<void>;
  /** Removing an address that is not there is no error. */
  removeAddress(name: string, address: string, prefixLength: number): Promise<void>;
  /** Calls back after a link came, went or changed, or its addresses did. Returns how to stop that. */
  onLinkChange(callback: () => void): () => void;
  /**
   * The file descriptor of a socket filter that passes IPv6 packets of hop limit 255 only: raw sockets do not show the hop limit.
   * The driver never closes it. Negative: there is no such filter, and IPv6 adverts are taken whatever their hop limit.
   */
  hopLimitFilter(): number;
}
