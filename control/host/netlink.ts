// The interfaces and addresses of this host by netlink: what VRRP and the command line see of it and do to it.

import type { HostInterface, VrrpHost } from '../vrrp/host.js';
import { addon } from './addon.js';

export interface NamedInterface extends HostInterface {
  readonly name: string;
  readonly mtu: number;
}

export interface Host extends VrrpHost {
  interface(name: string): NamedInterface | undefined;
  readonly interfaces: readonly NamedInterface[];
  /** Tells the service manager, if there is one that wants to know: `READY=1`, `RELOADING=1`, `STOPPING=1`, `STATUS=…`, sd_notify(3). */
  sdNotify(text: string): void;
  close(): void;
}

export interface HostOptions {
  /** Told what the machine refuses but the service can do without. */
  readonly warn?: (text: string) => void;
}

/** Throws when netlink is not to be had. */
export function openHost({ warn = () => {} }: HostOptions = {}): Host {
  const listeners = new Set<() => void>();
  const monitor = new addon.LinkMonitor(catchUp);
  let links: readonly NamedInterface[] = monitor.links();
  let filter: number | undefined;

  function catchUp(): void {
    if (!monitor.drain()) return;
    links = monitor.links();
    for (const listener of [...listeners]) listener();
  }

  /** One filter serves every socket; it stays loaded for the life of the process. */
  function hopLimitFilter(): number {
    filter ??= loadFilter(warn);
    return filter;
  }

  return {
    interface: (name) => links.find((link) => link.name === name),
    get interfaces() {
      return links;
    },
    // What was done is seen at once, not only when the loop comes to read the kernel's news.
    addAddress: async (name, address, prefixLength) => {
      addon.addAddress(name, address, prefixLength);
      catchUp();
    },
    removeAddress: async (name, address, prefixLength) => {
      addon.removeAddress(name, address, prefixLength);
      catchUp();
    },
    onLinkChange: (callback) => {
      const listener = () => callback();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hopLimitFilter,
    sdNotify: (text) => sdNotify(text, warn),
    close: () => {
      listeners.clear();
      monitor.close();
    },
  };
}

function loadFilter(warn: (text: string) => void): number {
  try {
    return addon.hopLimitFilter();
  } catch (error) {
    warn(`IPv6 adverts are taken whatever their hop limit: ${error instanceof Error ? error.message : error}`);
    return -1;
  }
}

function sdNotify(text: string, warn: (text: string) => void): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (!socket) return;
  try {
    addon.sdNotify(socket, text);
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error));
  }
}
