// Adverts in and out of one interface: the only file that knows raw-socket, whose constants are Linux's numbers.
// A receiver and a sender apart: raw-socket serves reads before writes, and a flood of packets must not hold our adverts back.

import raw from 'raw-socket';
import { addressBytes, GROUP_ADDRESS, type Received, VRRP_PROTOCOL } from './codec.js';

export interface AdvertSocketOptions {
  readonly interface: string;
  readonly index: number;
  readonly family: 4 | 6;
  /** File descriptor of the filter for IPv6; negative: none. */
  readonly hopLimitFilter: number;
  readonly received: (packet: Received) => void;
  readonly failed: (error: Error) => void;
  /** raw-socket gave up: the socket is of no more use. */
  readonly lost: () => void;
}

export interface AdvertSocket {
  readonly index: number;
  /** `source` is one of the interface's own addresses. */
  send(message: Uint8Array, source: string): void;
  /** After what was sent has left. */
  close(): Promise<void>;
}

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_ATTACH_BPF = 50;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_MULTICAST_ALL = 29;
const IPV6_HDRINCL = 36;

const INTERNETWORK_CONTROL = 0xc0;
const TTL = 255;
const SMALLEST_BUFFER = 1;
const FLUSH_MS = 100;

/** A socket that only its own listeners hold is closed by the garbage collector, without an event. */
const held = new Set<raw.Socket>();

export function openAdvertSocket(options: AdvertSocketOptions): AdvertSocket {
  const receiver = openReceiver(options);
  const { socket: sender, useSource } = setUp(receiver, () => openSender(options));
  let unsent = 0;
  let flushed = () => {};
  return {
    index: options.index,
    send: (message, source) => {
      const packet = Buffer.from(options.family === 4 ? message : withIpv6Header(message, source));
      try {
        useSource(source);
      } catch (error) {
        return options.failed(error as Error);
      }
      unsent++;
      sender.send(packet, 0, packet.length, GROUP_ADDRESS[options.family], (error) => {
        if (error !== null) options.failed(error);
        if (--unsent === 0) flushed();
      });
    },
    close: async () => {
      if (unsent > 0) await new Promise<void>((resolve) => startFlush(resolve));
      for (const socket of [receiver, sender]) closeSocket(socket);
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

function openReceiver(options: AdvertSocketOptions): raw.Socket {
  const socket = open(options);
  setUp(socket, () => joinGroup(socket, options));
  // raw-socket hands out the same buffer every time.
  socket.on('message', (message, source) => options.received(toReceived(options.family, Uint8Array.from(message), source)));
  return socket;
}

function joinGroup(socket: raw.Socket, { family, index, hopLimitFilter }: AdvertSocketOptions): void {
  if (family === 4) {
    socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
    const membership = ipMreqn(GROUP_ADDRESS[4], '0.0.0.0', index);
    socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, membership.length);
    return;
  }
  if (hopLimitFilter >= 0) socket.setOption(SOL_SOCKET, SO_ATTACH_BPF, hopLimitFilter);
  socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  const membership = Buffer.concat([addressBytes(GROUP_ADDRESS[6]), uint32(index)]);
  socket.setOption(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, membership.length);
}

function toReceived(family: 4 | 6, bytes: Uint8Array, source: string): Received {
  if (family === 4) return { family, packet: bytes };
  return { family, message: bytes, source: source.replace(/%.*/, ''), destination: GROUP_ADDRESS[6] };
}

/** A sender reads nothing, so it is given next to no room for what arrives. */
function openSender(options: AdvertSocketOptions): { socket: raw.Socket; useSource: (source: string) => void } {
  const socket = open(options);
  return setUp(socket, () => {
    socket.pauseRecv();
    socket.setOption(SOL_SOCKET, SO_RCVBUF, SMALLEST_BUFFER);
    return { socket, useSource: options.family === 4 ? ipv4Sender(socket, options.index) : ipv6Sender(socket, options.index) };
  });
}

/** The kernel writes the header; the source is chosen with the interface, or a virtual address might become it. */
function ipv4Sender(socket: raw.Socket, index: number): (source: string) => void {
  socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_TTL, TTL);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  socket.setOption(IPPROTO_IP, IP_TOS, INTERNETWORK_CONTROL);
  let current: string | undefined;
  return (source) => {
    if (source === current) return;
    const choice = ipMreqn('0.0.0.0', source, index);
    socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, choice, choice.length);
    current = source;
  };
}

/** raw-socket cannot bind, and among link-local addresses the kernel may prefer a virtual one: so the header is ours. */
function ipv6Sender(socket: raw.Socket, index: number): (source: string) => void {
  socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
  socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  socket.setOption(IPPROTO_IPV6, IPV6_HDRINCL, 1);
  return () => {};
}

function withIpv6Header(message: Uint8Array, source: string): Uint8Array {
  const trafficClass = [0x60 | (INTERNETWORK_CONTROL >> 4), (INTERNETWORK_CONTROL << 4) & 0xff, 0, 0];
  const length = [message.length >> 8, message.length & 0xff];
  return Uint8Array.from([
    ...trafficClass,
    ...length,
    VRRP_PROTOCOL,
    TTL,
    ...addressBytes(source),
    ...addressBytes(GROUP_ADDRESS[6]),
    ...message,
  ]);
}

function open(options: AdvertSocketOptions): raw.Socket {
  const socket = raw.createSocket({ protocol: VRRP_PROTOCOL, addressFamily: options.family === 4 ? 1 : 2 });
  held.add(socket);
  socket.on('error', (error) => options.failed(error));
  socket.on('close', () => {
    if (held.delete(socket)) options.lost();
  });
  return setUp(socket, () => {
    const device = Buffer.from(`${options.interface}\0`);
    socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, device, device.length);
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
function ipMreqn(group: string, address: string, index: number): Buffer {
  return Buffer.concat([addressBytes(group), addressBytes(address), uint32(index)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
