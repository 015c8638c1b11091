// The interfaces and addresses of this host by netlink: what VRRP and the command line see of it and do to it.

import type { HostInterface, KernelHands, VrrpHost } from '../vrrp/host.js';
import { addon } from './addon.js';
import { addAddress, removeAddress } from './address-message.js';
import { askKernel, GONE_ALREADY, perform } from './ask.js';
import { Routing } from './routing.js';
import { Settings } from './settings.js';
import { VirtualMacs } from './virtual-mac.js';

export interface NamedInterface extends HostInterface {
  readonly name: string;
  readonly mtu: number;
}

export interface Host extends VrrpHost {
  interface(name: string): NamedInterface | undefined;
  readonly interfaces: readonly NamedInterface[];
  readonly kernel: KernelHands;
  /** Tells the service manager, if there is one that wants to know: `READY=1`, `RELOADING=1`, `STOPPING=1`, `STATUS=…`, sd_notify(3). */
  sdNotify(text: string): void;
  close(): void;
}

export interface HostOptions {
  /** Told what the machine refuses but the service can do without. */
  readonly warn?: (text: string) => void;
  /** How much of the kernel's news is kept until it is heard. When it was too little, everything is looked at again. */
  readonly newsBytes?: number;
}

/** So long addresses are worked on before something else has its turn. */
const TURN_MS = 50;

/** Throws when netlink is not to be had. */
export function openHost({ warn = () => {}, newsBytes = 0 }: HostOptions = {}): Host {
  const listeners = new Set<() => void>();
  const monitor = new addon.LinkMonitor(catchUp, newsBytes);
  const routing = new Routing({ ask: askKernel, indexOf, bufferBytes: newsBytes });
  const virtualMacs = new VirtualMacs(askKernel);
  const settings = new Settings();
  let links: readonly NamedInterface[] = monitor.links();
  const filters = new Map<string, number>();
  /** Something was done here since `links` was read, and will be told in the next turn of the loop: once, whatever it was. */
  let telling: NodeJS.Immediate | undefined;
  let unread = false;
  let untold = false;
  let startedMs = 0;

  function catchUp(): void {
    clearImmediate(telling);
    telling = undefined;
    current();
    if (!untold) return;
    untold = false;
    for (const listener of [...listeners]) listener();
  }

  /** What was done is seen at once, not only when the loop comes to read the kernel's news. */
  function current(): readonly NamedInterface[] {
    unread = false;
    if (monitor.drain()) {
      links = monitor.links();
      untold = true;
    }
    return links;
  }

  function seen(): readonly NamedInterface[] {
    return unread ? current() : links;
  }

  function acted(): void {
    unread = true;
    telling ??= setImmediate(catchUp);
  }

  /** Of what the name means at this moment; what was done here to addresses has not changed that. */
  function indexOf(name: string): number | undefined {
    const known = telling === undefined ? current() : links;
    if (untold) telling ??= setImmediate(catchUp);
    return (known.find((link) => link.name === name) ?? current().find((link) => link.name === name))?.index;
  }

  /** Adverts leave and are heard in time, however many addresses are asked for. */
  async function breathe(): Promise<void> {
    if (telling === undefined) startedMs = performance.now();
    else if (performance.now() - startedMs > TURN_MS) await new Promise((resolve) => setImmediate(resolve));
  }

  /** One filter serves every socket that wants the same; it stays loaded for the life of the process. */
  function hopLimitFilter(lowest: number, highest: number): number {
    const key = `${lowest} ${highest}`;
    const filter = filters.get(key) ?? loadFilter(lowest, highest, warn);
    filters.set(key, filter);
    return filter;
  }

  return {
    interface: (name) => seen().find((link) => link.name === name),
    get interfaces() {
      return seen();
    },
    addAddress: async (name, address, prefixLength, options = {}) => {
      await breathe();
      const doing = `add ${address}/${prefixLength} to ${name}`;
      const index = indexOf(name);
      if (index === undefined) throw new Error(`cannot ${doing}: there is no such interface`);
      perform(askKernel, addAddress(index, { ...options, address, prefixLength }), doing);
      acted();
    },
    removeAddress: async (name, address, prefixLength, options = {}) => {
      await breathe();
      const index = indexOf(name);
      if (index === undefined) return; // gone with its interface
      perform(
        askKernel,
        removeAddress(index, { ...options, address, prefixLength }),
        `remove ${address}/${prefixLength} from ${name}`,
        GONE_ALREADY,
      );
      acted();
    },
    kernel: {
      addRoute: (route) => routing.addRoute(route),
      removeRoute: (route) => routing.removeRoute(route),
      addRule: (rule) => routing.addRule(rule),
      removeRule: (rule) => routing.removeRule(rule),
      missingRoutes: (routes) => routing.missingRoutes(routes),
      missingRules: (rules) => routing.missingRules(rules),
      onRouteChange: (callback) => routing.onChange(callback),
      ensureVirtualMac: (mac) => {
        virtualMacs.ensure(mac);
        catchUp();
      },
      removeVirtualMac: (mac) => {
        virtualMacs.remove(mac);
        catchUp();
      },
      promoteSecondaries: (name) => {
        settings.hold(name, 'promote_secondaries', 1);
        return () => settings.release(name, 'promote_secondaries');
      },
    },
    onLinkChange: (callback) => {
      const listener = () => callback();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hopLimitFilter,
    sdNotify: (text) => sdNotify(text, warn),
    close: () => {
      clearImmediate(telling);
      listeners.clear();
      routing.close();
      monitor.close();
    },
  };
}

function loadFilter(lowest: number, highest: number, warn: (text: string) => void): number {
  try {
    return addon.hopLimitFilter(lowest, highest);
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
