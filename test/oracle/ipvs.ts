// The real IPVS, from inside the guest: frames through the tap devices, configuration by ipvsadm and tc, counters from /proc/net.

import { execFileSync } from 'node:child_process';
import { openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import type { Service } from '../../dataplane/protocol.js';
import { addressText, pseudoHeader, sum } from '../packets/bytes.js';
import type { Balancer, FlowLine, Sent } from './balancer.js';
import { fields } from './frame.js';
import { changes, markRules } from './ipvsadm.js';

/** Of a virtio_net_hdr. */
const OFFLOAD_HEADER = 10;
const LONGEST_FRAME = 70_000;
const EXPIRE_WITH_DESTINATION = '/proc/sys/net/ipv4/vs/expire_nodest_conn';

/** Firewall marks that no service of a sequence has. */
const FIRST_MARKER = 0x10000000;
const LONGEST_WAIT_MS = 10_000;

/** The guest has one processor: to sleep is to let the others work. */
function wait(until: () => boolean, complaint: string): void {
  const limit = performance.now() + LONGEST_WAIT_MS;
  while (!until()) {
    if (performance.now() > limit) throw new Error(complaint);
    sleep(0.2);
  }
}

export function sleep(ms: number): void {
  Atomics.wait(SLEEP, 0, 0, ms);
}
const SLEEP = new Int32Array(new SharedArrayBuffer(4));

export class Ipvs implements Balancer {
  readonly #taps: readonly number[];
  readonly #ipvsadm: number;
  readonly #loads = openSync('/proc/net/ip_vs', 'r');
  readonly #buffer = Buffer.alloc(LONGEST_FRAME);
  #services: readonly Service[] = [];
  /** They stay: no other sequence has these addresses. */
  readonly #marks = new Set<string>();
  #marker = 0;

  /** Descriptors from taps.py: the tap devices, then the ipvsadm that reads commands. */
  constructor([eth0 = -1, eth1 = -1, ipvsadm = -1]: readonly number[]) {
    this.#taps = [eth0, eth1];
    this.#ipvsadm = ipvsadm;
    this.#drain();
  }

  configure(services: readonly Service[]): void {
    const lines = changes(this.#services, services);
    if (lines.length > 0) this.#administer(lines);
    this.#services = services;
    const marks = markRules(services).filter((line) => !this.#marks.has(line));
    if (marks.length === 0) return;
    execFileSync('tc', ['-batch', '-'], { input: `${marks.join('\n')}\n`, stdio: ['pipe', 'pipe', 'inherit'] });
    for (const line of marks) this.#marks.add(line);
  }

  /** A service that comes last says that all before it is done. */
  #administer(lines: readonly string[]): void {
    this.#marker++;
    const marker = `-f ${FIRST_MARKER + this.#marker}`;
    const present = () => this.#table().includes(`FWM  ${(FIRST_MARKER + this.#marker).toString(16).toUpperCase()} `);
    writeSync(this.#ipvsadm, `${[...lines, `-A ${marker} -s rr`].join('\n')}\n`);
    wait(() => present(), `ipvsadm did not take:\n${lines.join('\n')}`);
    writeSync(this.#ipvsadm, `-D ${marker}\n`);
    wait(() => !present(), 'ipvsadm did not end');
  }

  /** Ends every flow together with its service. */
  reset(): void {
    writeFileSync(EXPIRE_WITH_DESTINATION, '1');
    this.configure([]);
    wait(() => this.flows().length === 0, 'flows outlive their service');
    writeFileSync(EXPIRE_WITH_DESTINATION, '0');
    this.#drain();
  }

  send(device: number, frame: Buffer): { readonly out: readonly Sent[]; readonly verdict: string } {
    writeSync(this.#taps[device] ?? -1, Buffer.concat(offloaded(frame)));
    return { out: this.#drain(), verdict: '' };
  }

  #drain(): Sent[] {
    return this.#taps.flatMap((tap, device) => {
      const out: Sent[] = [];
      for (let frame = this.#read(tap); frame !== undefined; frame = this.#read(tap)) {
        if (!isNeighbourTalk(frame)) out.push({ device, frame });
      }
      return out;
    });
  }

  #read(tap: number): Buffer | undefined {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // to find nothing is an error, several times for each packet
    try {
      return Buffer.from(this.#buffer.subarray(OFFLOAD_HEADER, readSync(tap, this.#buffer)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      throw error;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  /** /proc/net/ip_vs, held open: it is read after every packet. */
  #table(): string {
    const parts: string[] = [];
    for (let at = 0, length = -1; length !== 0; at += length) {
      length = readSync(this.#loads, this.#buffer, 0, LONGEST_FRAME, at);
      parts.push(this.#buffer.toString('latin1', 0, length));
    }
    return parts.join('');
  }

  loads(): readonly string[] {
    const lines: string[] = [];
    let service = '';
    for (const line of this.#table().split('\n').slice(3)) {
      const words = line.trim().split(/\s+/);
      if (words[0] === '->') lines.push(`${service} ${endpoint(words[1]!)} weight ${words[3]} active ${words[4]} inactive ${words[5]}`);
      else
        service =
          words[0] === 'FWM' ? `fwm ${Number.parseInt(words[1]!, 16)}` : `${words[0]?.toLowerCase()} ${endpoint(words[1] ?? '0:0')}`;
    }
    return lines.sort();
  }

  flows(): readonly FlowLine[] {
    const lines = readFileSync('/proc/net/ip_vs_conn', 'latin1').trim().split('\n').slice(1);
    return lines.map((line) => {
      const [protocol, client, clientPort, virtual, virtualPort, to, toPort, state, expires] = line.trim().split(/\s+/);
      const ends = [`${client}:${clientPort}`, `${virtual}:${virtualPort}`, `${to}:${toPort}`].map(endpoint);
      const service = protocol === 'IP' ? `fwm ${markOf(virtual ?? '')}` : `${protocol?.toLowerCase()} ${ends[1]}`;
      const text =
        clientPort === '0000' ? `template ${service} ${ends[0]} ${ends[2]}` : `${protocol?.toLowerCase()} ${ends.join(' ')} ${state}`;
      return { text, expiresInS: Number(expires) };
    });
  }

  /** The estimator is behind by two seconds in the other file; the processors' own counters are not. */
  totals(): readonly number[] {
    const lines = readFileSync('/proc/net/ip_vs_stats_percpu', 'latin1').split('\n').slice(2, 3);
    return lines.flatMap((line) => line.trim().split(/\s+/).slice(1)).map((word) => Number.parseInt(word, 16));
  }
}

/**
 * With a virtio_net_hdr. IPVS takes the checksum of every ICMPv6 error of a server for wrong, as it leaves out the pseudo header, unless the NIC
 * has to work it out or has found it right: so they come as from a virtual machine, with a partial checksum.
 */
function offloaded(frame: Buffer): [header: Buffer, frame: Buffer] {
  const header = Buffer.alloc(OFFLOAD_HEADER);
  const { v4, icmp, l4 } = fields(frame);
  if (v4 || icmp === undefined) return [header, frame];
  header[0] = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
  header.writeUInt16LE(l4, 6);
  header.writeUInt16LE(2, 8);
  const partial = Buffer.from(frame);
  partial.writeUInt16BE(sum(pseudoHeader(frame.subarray(22, 38), frame.subarray(38, 54), 58, frame.length - l4)), l4 + 2);
  return [header, partial];
}

/** ARP, and what IPv6 says to its neighbours by itself: multicast listener reports, router and neighbour discovery. */
function isNeighbourTalk(frame: Buffer): boolean {
  const type = frame.readUInt16BE(12);
  if (type === 0x0806) return true;
  if (type !== 0x86dd) return false;
  const next = frame[20] === 0 ? frame[54] : frame[20];
  const icmp = frame[20] === 0 ? frame[62] : frame[54];
  return next === 58 && icmp !== undefined && icmp >= 130 && icmp <= 143;
}

/** A template of a firewall mark has it in the place of the virtual address. */
function markOf(virtual: string): number {
  return Number.parseInt(virtual.replaceAll(':', '').slice(0, 8), 16);
}

/** `AC100001:0050` or `[2001:0db8:…]:0050`, as /proc/net has it. */
function endpoint(hex: string): string {
  const at = hex.lastIndexOf(':');
  const address = hex.slice(0, at).replace(/[[\]]/g, '').replaceAll(':', '');
  return `${addressText(Buffer.from(address, 'hex'))}:${Number.parseInt(hex.slice(at + 1), 16)}`;
}
