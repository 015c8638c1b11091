// keepalived's service on the system bus, over a plain socket: says hello, takes its name, answers calls and tells of states. A bus that is not
// there, or goes, is looked for again.

import { connect, type Socket } from 'node:net';
import type { Log } from '../log.js';
import { type Action, answer, INSTANCE_INTERFACE, type Instance, instancePath, stateNumber, VRRP_INTERFACE, VRRP_PATH } from './objects.js';
import { decode, encode, type Message, NO_REPLY_EXPECTED, TYPES, type Value } from './wire.js';

export interface Bus {
  /** The instance is as it is now, or about to be gone. */
  stateChanged(instance: Omit<Instance, 'name'>): void;
  reloaded(): void;
  close(): void;
}

export interface BusOptions {
  readonly serviceName: string;
  /** `unix:path=…`, as DBUS_SYSTEM_BUS_ADDRESS has it. */
  readonly address?: string;
  readonly log: Log;
  readonly instances: () => readonly Instance[];
  /** Throws what the caller is told. */
  readonly perform: (action: Action) => void;
}

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
const AGAIN_MS = 10_000;
/** A caller that does not take its answers. */
const WAITING_BYTES = 1024 * 1024;
const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' } as const;
const OWNER = 1;

export function startBus(options: BusOptions): Bus {
  const { serviceName, address = SYSTEM_BUS, log } = options;
  let connection: Connection | undefined;
  let again: NodeJS.Timeout | undefined;
  let closed = false;
  let complained = false;

  function open(): void {
    const target = socketOf(address);
    if (target === undefined) log(`DBus address ${address} is not understood: unix:path=FILE is`);
    else connection = new Connection(connect(target), options, ended);
  }

  function ended(reason: string | undefined): void {
    if (!complained || connection?.named)
      log(`${connection?.named ? 'Lost' : 'Cannot have'} the name ${serviceName} on the system bus${reason ? `: ${reason}` : ''}`);
    complained = true;
    connection = undefined;
    if (!closed) again = setTimeout(open, AGAIN_MS);
    again?.unref();
  }

  open();
  return {
    stateChanged(instance) {
      connection?.signal(instancePath(instance), INSTANCE_INTERFACE, 'VrrpStatusChange', 'u', [stateNumber(instance.state)]);
    },
    reloaded() {
      connection?.signal(VRRP_PATH, VRRP_INTERFACE, 'VrrpReloaded');
    },
    close() {
      closed = true;
      clearTimeout(again);
      connection?.close();
    },
  };
}

/** The first of several addresses that can be had. */
function socketOf(address: string): string | undefined {
  const options = address.split(';').map((one) => /^unix:(path|abstract)=([^,]+)/.exec(one));
  const found = options.find((one) => one !== null);
  if (!found) return undefined;
  const [, kind, name = ''] = found;
  return kind === 'abstract' ? `\0${decodeURIComponent(name)}` : decodeURIComponent(name);
}

class Connection {
  named = false;
  readonly #socket: Socket;
  readonly #options: BusOptions;
  #greeted = false;
  #pending = Buffer.alloc(0);
  #serial = 0;
  #nameAskedBy = 0;
  #closing = false;

  constructor(socket: Socket, options: BusOptions, ended: (reason: string | undefined) => void) {
    this.#socket = socket;
    this.#options = options;
    let reason: string | undefined;
    socket.on('connect', () => socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.geteuid?.() ?? 0)).toString('hex')}\r\n`));
    socket.on('data', (bytes) => {
      try {
        this.#read(bytes);
      } catch (problem) {
        reason = (problem as Error).message;
        socket.destroy();
      }
    });
    socket.on('error', (problem) => {
      reason = problem.message;
    });
    socket.on('close', () => (this.#closing ? undefined : ended(reason)));
    socket.unref();
  }

  signal(path: string, name: string, member: string, signature = '', body: readonly Value[] = []): void {
    if (!this.named || this.#socket.destroyed) return;
    try {
      this.#send({ type: TYPES.signal, path, interface: name, member, signature, body });
    } catch (problem) {
      // Who has news to tell is not to be troubled with who does not listen.
      this.#socket.destroy(problem as Error);
    }
  }

  close(): void {
    this.#closing = true;
    this.signal(VRRP_PATH, VRRP_INTERFACE, 'VrrpStopped');
    this.#socket.end();
  }

  #read(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    if (!this.#greeted && !this.#greet()) return;
    for (let found = decode(this.#pending); found !== undefined; found = decode(this.#pending)) {
      this.#pending = this.#pending.subarray(found.length);
      this.#hear(found.message);
    }
  }

  #greet(): boolean {
    const end = this.#pending.indexOf('\r\n');
    if (end === -1) return false;
    const line = this.#pending.toString('latin1', 0, end);
    if (!line.startsWith('OK ')) throw new Error(`the bus does not let us in: ${line}`);
    this.#pending = this.#pending.subarray(end + 2);
    this.#greeted = true;
    this.#socket.write('BEGIN\r\n');
    this.#send({ type: TYPES.call, ...BUS, member: 'Hello' });
    this.#nameAskedBy = this.#send({
      type: TYPES.call,
      ...BUS,
      member: 'RequestName',
      signature: 'su',
      body: [this.#options.serviceName, 4],
    });
    return true;
  }

  #send(message: Omit<Message, 'serial'>): number {
    this.#serial += 1;
    if (this.#socket.writableLength > WAITING_BYTES) throw new Error('the bus does not read');
    this.#socket.write(encode({ ...message, serial: this.#serial }));
    return this.#serial;
  }

  #hear(message: Message): void {
    if (message.type === TYPES.call) this.#answer(message);
    else if (message.replySerial === this.#nameAskedBy) this.#own(message);
  }

  #own({ type, body = [] }: Message): void {
    if (type === TYPES.error) throw new Error(String(body[0]));
    if (body[0] !== OWNER) throw new Error('somebody else has it');
    this.named = true;
    this.#options.log(`Acquired the name ${this.#options.serviceName} on the system bus`);
    this.signal(VRRP_PATH, VRRP_INTERFACE, 'VrrpStarted');
    for (const instance of this.#options.instances())
      this.signal(instancePath(instance), INSTANCE_INTERFACE, 'VrrpStatusChange', 'u', [stateNumber(instance.state)]);
  }

  #answer(call: Message): void {
    const { path = '', member = '', body = [], serial, sender = '', flags = 0 } = call;
    const found = answer(this.#options.instances(), { path, member, body, ...(call.interface ? { interface: call.interface } : {}) });
    const problem = found.kind === 'values' && found.action !== undefined ? this.#perform(found.action) : undefined;
    if ((flags & NO_REPLY_EXPECTED) !== 0) return;
    const reply = { replySerial: serial, destination: sender };
    if (problem !== undefined)
      this.#send({ type: TYPES.error, ...reply, errorName: 'org.freedesktop.DBus.Error.Failed', signature: 's', body: [problem] });
    else if (found.kind === 'error') this.#send({ type: TYPES.error, ...reply, errorName: found.name, signature: 's', body: [found.text] });
    else this.#send({ type: TYPES.reply, ...reply, signature: found.signature, body: found.values });
  }

  #perform(action: Action): string | undefined {
    try {
      this.#options.perform(action);
      return undefined;
    } catch (problem) {
      return (problem as Error).message;
    }
  }
}
