// Runs inside a network namespace on behalf of a test: does there what it is asked to and answers. See namespaces.ts.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import type { Route, Rule, VirtualMac } from '../../control/config/kernel.js';
import type { VirtualAddress } from '../../control/config/model.js';
import { applyGuard, type GuardedService, guardRules, removeGuard } from '../../control/host/guard.js';
import { type Host, openHost } from '../../control/host/netlink.js';

/** How long nothing must happen to count as silence. */
const SILENCE_MS = 400;

export type Outcome = 'answered' | 'refused' | 'silent';

let host: Host | undefined;
let stopListening: (() => void) | undefined;
let changes = 0;
let routeChanges = 0;
let promotion: (() => void) | undefined;

const actions = {
  open: (newsBytes = 0) => {
    host = openHost({ newsBytes });
    stopListening = host.onLinkChange(() => changes++);
    host.kernel.onRouteChange(() => routeChanges++);
  },
  routeChanges: () => routeChanges,
  addHeld: (name: string, { address, prefixLength, ...options }: VirtualAddress) =>
    theHost().addAddress(name, address, prefixLength, options),
  removeHeld: (name: string, { address, prefixLength, ...options }: VirtualAddress) =>
    theHost().removeAddress(name, address, prefixLength, options),
  addRoute: (route: Route) => theHost().kernel.addRoute(route),
  removeRoute: (route: Route) => theHost().kernel.removeRoute(route),
  missingRoutes: (routes: readonly Route[]) => theHost().kernel.missingRoutes(routes),
  addRule: (rule: Rule) => theHost().kernel.addRule(rule),
  removeRule: (rule: Rule) => theHost().kernel.removeRule(rule),
  missingRules: (rules: readonly Rule[]) => theHost().kernel.missingRules(rules),
  ensureVirtualMac: (mac: VirtualMac) => theHost().kernel.ensureVirtualMac(mac),
  removeVirtualMac: (mac: VirtualMac) => theHost().kernel.removeVirtualMac(mac),
  promoteSecondaries: (name: string) => {
    promotion = theHost().kernel.promoteSecondaries(name);
  },
  demoteSecondaries: () => promotion?.(),
  /** Keeps the loop from reading the kernel's news meanwhile. */
  busily: (command: readonly string[]) => void execFileSync(command[0] ?? '', command.slice(1)),
  interface: (name: string) => theHost().interface(name),
  interfaces: () => theHost().interfaces,
  changes: () => changes,
  stopListening: () => stopListening?.(),
  addAddress: (name: string, address: string, prefixLength: number) => theHost().addAddress(name, address, prefixLength),
  removeAddress: (name: string, address: string, prefixLength: number) => theHost().removeAddress(name, address, prefixLength),
  hopLimitsPassed,
  close: () => host?.close(),
  guard: (services: readonly GuardedService[]) => applyGuard(guardRules(services)),
  unguard: () => removeGuard(),
  serve,
  connectTo,
  ask,
};

export type Actions = typeof actions;

function theHost(): Host {
  if (host === undefined) throw new Error('open first');
  return host;
}

async function serve(tcpPorts: readonly number[], udpPorts: readonly number[]): Promise<void> {
  await Promise.all(tcpPorts.map((port) => once(createServer((socket) => socket.end()).listen(port, '::'), 'listening')));
  await Promise.all(udpPorts.map(echo));
}

async function echo(port: number): Promise<void> {
  const socket = createSocket('udp6');
  socket.on('message', (message, { address, port }) => socket.send(message, port, address));
  socket.bind(port, '::');
  await once(socket, 'listening');
}

function connectTo(address: string, port: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (outcome: Outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end('answered'));
    socket.once('error', () => end('refused'));
    setTimeout(() => end('silent'), SILENCE_MS);
  });
}

function ask(address: string, port: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end('silent'), SILENCE_MS);
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    socket.once('message', () => end('answered'));
    socket.once('error', () => end('refused'));
    socket.connect(port, address, () => socket.send('hello'));
  });
}

interface RawSocket {
  setOption(level: number, option: number, value: Buffer, length: number): void;
  on(event: 'message', listener: (message: Buffer) => void): void;
  send(data: Buffer, offset: number, length: number, address: string, done: (error: Error | null) => void): void;
  close(): void;
}

/** raw-socket closes a socket that only its own listeners hold. */
const kept: RawSocket[] = [];

/** Of packets sent to ourselves with these hop limits, which came through the filter for this range. */
async function hopLimitsPassed(hopLimits: readonly number[], lowest: number, highest: number): Promise<number[]> {
  const raw: { AddressFamily: { IPv6: number }; createSocket(options: object): RawSocket } = createRequire(import.meta.url)('raw-socket');
  const open = () => {
    const socket = raw.createSocket({ protocol: 112, addressFamily: raw.AddressFamily.IPv6 });
    kept.push(socket);
    return socket;
  };
  const integer = (value: number) => Buffer.from(Int32Array.of(value).buffer);
  const passed: number[] = [];
  const receiver = open();
  receiver.setOption(1, 50, integer(theHost().hopLimitFilter(lowest, highest)), 4); // SO_ATTACH_BPF
  receiver.on('message', (message) => passed.push(message[0] ?? -1));
  for (const hopLimit of hopLimits) {
    const sender = open();
    sender.setOption(41, 16, integer(hopLimit), 4); // IPV6_UNICAST_HOPS
    await new Promise<void>((resolve, reject) =>
      sender.send(Buffer.from([hopLimit, 0, 0, 0]), 0, 4, '::1', (error) => (error ? reject(error) : resolve())),
    );
  }
  await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
  return passed;
}

process.on('message', async ({ name, args }: { name: keyof Actions; args: unknown[] }) => {
  const action = actions[name] as (...all: unknown[]) => unknown;
  try {
    process.send?.({ value: await action(...args) });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
process.on('disconnect', () => process.exit());
