// Adverts in and out of one interface: the only file that knows raw-socket, whose constants are Linux's numbers.
// Receivers and a sender apart: raw-socket serves reads before writes, and a flood of packets must not hold our adverts back.

import raw from 'raw-socket';
import { addressBytes } from './address-bytes.js';
import { AUTHENTICATION_HEADER_PROTOCOL, type HopLimits, type Received, VRRP_PROTOCOL } from './packet.js';
import type { Wanted } from './wanted.js';

export interface AdvertSocketOptions extends Wanted {
  readonly interface: string;
  readonly index: number;
  readonly family: 4 | 6;
  /** File descriptor of the filter for IPv6 packets of these hop limits; negative: none. */
  readonly hopLimitFilter: (limits: HopLimits) => number;
  /** Where IPv6 packets may have been sent to: the groups, and the interface's own addresses at the moment. */
  readonly destinations: () => readonly string[];
  readonly received: (packet: Received) => void;
  readonly failed: (error: Error) => void;
  /** raw-socket gave up: the socket is of no more use. */
  readonly lost: () => void;
}

export interface AdvertSocket {
  readonly index: number;
  /** `packet` has its IP header. */
  send(packet: Uint8Array, destination: string): void;
  /** After what was sent has left. */
  close(): Promise<void>;
}

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_ATTACH_BPF = 50;
const IPPROTO_IP = 0;
const IP_HDRINCL = 3;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_MULTICAST_ALL = 29;
const IPV6_HDRINCL = 36;

const SMALLEST_BUFFER = 1;
const FLUSH_MS = 100;

/** A socket that only its own listeners hold is closed by the garbage collector, without an event. */
const held = new Set<raw.Socket>();

export function openAdvertSocket(options: AdvertSocketOptions): AdvertSocket {
  const receivers: raw.Socket[] = [];
  const sender = openAll(options, receivers);
  let unsent = 0;
  let flushed = () => {};
  return {
    index: options.index,
    send: (packet, destination) => {
      unsent++;
      sender.send(Buffer.from(packet), 0, packet.length, destination, (error) => {
        if (error !== null) options.failed(error);
        if (--unsent === 0) flushed();
      });
    },
    close: async () => {
      if (unsent > 0) await new Promise<void>((resolve) => startFlush(resolve));
      for (const socket of [...receivers, sender]) closeSocket(socket);
    },
  };

  /** After close raw-socket never calls back, and a dead link may never take the packet. */
  function startFlush(resolve: () => void): void {
    const timer = setTimeout(resolve, FLUSH_MS);
    flushed = () => {
      clearTimeout(timer);
      resolve();
    };
  }
}

/** All of them or none. */
function openAll(options: AdvertSocketOptions, receivers: raw.Socket[]): raw.Socket {
  try {
    receivers.push(...openReceivers(options));
    return openSender(options);
  } catch (error) {
    for (const socket of receivers) closeSocket(socket);
    throw error;
  }
}

function openReceivers(options: AdvertSocketOptions): raw.Socket[] {
  if (options.family === 6) return openIpv6Receivers(options);
  const protocols = options.authenticationHeader ? [VRRP_PROTOCOL, AUTHENTICATION_HEADER_PROTOCOL] : [VRRP_PROTOCOL];
  return protocols.map((protocol) => {
    const socket = openReceiver(options, protocol);
    // raw-socket hands out the same buffer every time.
    socket.on('message', (packet) => options.received({ family: 4, packet: Uint8Array.from(packet) }));
    return socket;
  });
}

/** One for each range of hop limits, and one for all of them where there are no filters. */
function openIpv6Receivers(options: AdvertSocketOptions): raw.Socket[] {
  const filters = options.hopLimits.map((limits) => ({ limits, filter: options.hopLimitFilter(limits) }));
  const wanted = filters.every(({ filter }) => filter >= 0) ? filters : [{ limits: undefined, filter: -1 }];
  return wanted.map(({ limits, filter }) => {
    const socket = openReceiver(options, VRRP_PROTOCOL);
    if (filter >= 0) setUp(socket, () => socket.setOption(SOL_SOCKET, SO_ATTACH_BPF, filter));
    socket.on('message', (bytes, source) => {
      const about = { source: source.replace(/%.*/, ''), destinations: options.destinations() };
      options.received({ family: 6, message: Uint8Array.from(bytes), ...about, ...(limits && { hopLimits: limits }) });
    });
    return socket;
  });
}

function openReceiver(options: AdvertSocketOptions, protocol: number): raw.Socket {
  const socket = open(options, protocol);
  setUp(socket, () => {
    for (const group of options.groups) joinGroup(socket, options, group);
  });
  return socket;
}

function joinGroup(socket: raw.Socket, { family, index }: AdvertSocketOptions, group: string): void {
  const [level, option, membership] =
    family === 4
      ? ([IPPROTO_IP, IP_ADD_MEMBERSHIP, ipMreqn(group, index)] as const)
      : ([IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, Buffer.concat([addressBytes(group), uint32(index)])] as const);
  socket.setOption(level, option, membership, membership.length);
}

/** A sender reads nothing, so it is given next to no room for what arrives. Headers are ours: they say who sends, and what must stay as it was proved. */
function openSender(options: AdvertSocketOptions): raw.Socket {
  const { family, index } = options;
  const socket = open(options, VRRP_PROTOCOL);
  return setUp(socket, () => {
    socket.pauseRecv();
    socket.setOption(SOL_SOCKET, SO_RCVBUF, SMALLEST_BUFFER);
    socket.setOption(family === 4 ? IPPROTO_IP : IPPROTO_IPV6, family === 4 ? IP_HDRINCL : IPV6_HDRINCL, 1);
    socket.setOption(family === 4 ? IPPROTO_IP : IPPROTO_IPV6, family === 4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP, 0);
    if (family === 6) socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
    else socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, ipMreqn('0.0.0.0', index), 12);
    return socket;
  });
}

function open(options: AdvertSocketOptions, protocol: number): raw.Socket {
  const { family } = options;
  const socket = raw.createSocket({ protocol, addressFamily: family === 4 ? 1 : 2 });
  held.add(socket);
  socket.on('error', (error) => options.failed(error));
  socket.on('close', () => {
    if (held.delete(socket)) options.lost();
  });
  return setUp(socket, () => {
    const device = Buffer.from(`${options.interface}\0`);
    socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, device, device.length);
    socket.setOption(family === 4 ? IPPROTO_IP : IPPROTO_IPV6, family === 4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, 0);
    return socket;
  });
}

/** A socket half set up is closed again. */
function setUp<Result>(socket: raw.Socket, set: () => Result): Result {
  try {
    return set();
  } catch (error) {
    closeSocket(socket);
    throw error;
  }
}

function closeSocket(socket: raw.Socket): void {
  if (held.delete(socket)) socket.close();
}

/** struct ip_mreqn: the index in the machine's own byte order, as all machines this runs on have it. */
function ipMreqn(group: string, index: number): Buffer {
  return Buffer.concat([addressBytes(group), addressBytes('0.0.0.0'), uint32(index)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
