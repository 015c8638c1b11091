// One sequence: a conversation that goes through IPVS and through natlb, and whatever is compared on the way and at its end.

import type { Service } from '../../dataplane/protocol.js';
import { build, show } from '../packets/notation.js';
import type { Balancer, Sent } from './balancer.js';
import { Conversation, type PacketStep, type Step } from './conversation.js';
import { type Case, DIFFERENCES, type Difference, same } from './differences.js';
import type { Feature } from './features.js';
import { cut } from './fragments.js';
import { type Fields, fields, SYN } from './frame.js';
import { type Ipvs, sleep } from './ipvs.js';
import { changes } from './ipvsadm.js';
import type { Natlb } from './natlb.js';
import { Random } from './random.js';
import { MACS } from './world.js';

/** The guest's clock is the real one and goes on meanwhile; natlb's stands still. */
const EXPIRY_SLACK_S = 4;
const TICKS = 5;
const TICK_MS = 10;
const COUNTERS = ['connections', 'packets in', 'packets out', 'bytes in', 'bytes out'];

export class Sequence {
  readonly transcript: string[] = [];
  readonly used: string[] = [];
  packets = 0;
  #everRemoved = false;
  readonly #opened = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #ipvs: Ipvs;
  readonly #natlb: Natlb;
  readonly #conversation: Conversation;
  readonly #random: Random;
  #services: readonly Service[] = [];

  constructor(ipvs: Ipvs, natlb: Natlb, feature: Feature, seed: number, sequence: number) {
    this.#random = new Random(seed, sequence);
    const place = { random: this.#random, family: this.#random.one([4, 4, 6] as const), sequence };
    const services = feature.services(place);
    this.#ipvs = ipvs;
    this.#natlb = natlb;
    natlb.begin([...new Set(services.flatMap(({ listeners }) => listeners.map(({ address }) => address)))]);
    this.#conversation = new Conversation(place, feature, services);
    this.#configure(services);
  }

  /** What differed without a reason, or undefined. */
  run(): string | undefined {
    const before = [this.#ipvs.totals(), this.#natlb.totals()];
    const steps = this.#random.between(20, 150);
    for (let step = 0; step < steps; step++) {
      const outcome = this.#step(this.#conversation.next());
      if (outcome === 'parted') return undefined;
      if (outcome !== undefined) return outcome;
    }
    return this.#ledger(before);
  }

  #step(step: Step): string | undefined {
    if (step.kind === 'configure') {
      this.#configure(step.services);
      return undefined;
    }
    const frame = build(step.text, MACS[step.device] ?? '');
    const frames = step.cuts === undefined ? [frame] : cut(frame, step.cuts);
    if (step.order === 'last first') frames.reverse();
    const theirs = frames.flatMap((one) => this.#ipvs.send(step.device, one).out);
    const packet = fields(frame);
    const opens = (packet.flags & SYN) !== 0 && !this.#isLive(packet);
    const sent = frames.map((one) => this.#natlb.send(step.device, one));
    const ours = sent.flatMap(({ out }) => out);
    const verdict = sent.map((one) => one.verdict).join(' ');
    this.packets++;
    this.#conversation.learn(step, theirs);
    const difference = this.#explain({
      device: step.device,
      frame,
      packet,
      theirs,
      ours,
      verdict,
      removed: this.#removed,
      cuts: step.cuts !== undefined,
      blind: step.blind === true,
      opens,
      persistentAgain: this.#isPersistentAgain(packet),
      onePacket: this.#services.some((service) => service.onePacket),
    });
    this.#tell(step, theirs, ours, verdict, difference);
    if (difference === 'none') return 'a packet';
    if (difference?.parts) return 'parted';
    return this.#loads();
  }

  /** A flow that IPVS replaces goes with the next tick of the guest's clock, and counts until then. */
  #loads(): string | undefined {
    const ours = this.#natlb.loads();
    for (let tries = 0; tries < TICKS && this.#ipvs.loads().join() !== ours.join(); tries++) sleep(TICK_MS);
    return this.#unequal('loads', this.#ipvs.loads(), ours);
  }

  #isLive({ source, target }: Fields): boolean {
    const ends = `tcp ${source.address}:${source.port} ${target.address}:${target.port} `;
    return this.#natlb.flows().some(({ text }) => text.startsWith(ends) && !/(TIME_WAIT|CLOSE)$/.test(text));
  }

  #isPersistentAgain({ source, target, flags }: Fields): boolean {
    const ends = `${source.address} ${source.port} ${target.address} ${target.port}`;
    if (flags !== SYN || !this.#opened.has(ends)) {
      this.#opened.add(ends);
      return false;
    }
    return this.#services.some((one) => one.persistence !== undefined && one.listeners.some(({ address }) => address === target.address));
  }

  #explain(one: Case): Difference | 'none' | undefined {
    const equal = same(one.theirs, one.ours);
    const row = DIFFERENCES.find(({ unseen, matches }) => (!equal || unseen === true) && matches(one));
    if (row === undefined) return equal ? undefined : 'none';
    this.used.push(row.name);
    return row;
  }

  #tell(
    { text, device, cuts, order }: PacketStep,
    theirs: readonly Sent[],
    ours: readonly Sent[],
    verdict: string,
    difference?: Difference | 'none',
  ) {
    this.transcript.push(`in eth${device} ${text}${cuts === undefined ? '' : `, cut at ${cuts.join(' ')}, ${order}`}`);
    if (difference === undefined) this.transcript.push(...theirs.map((sent) => `    ${out(sent)}`));
    else {
      this.transcript.push(...theirs.map((sent) => `    theirs ${out(sent)}`), ...ours.map((sent) => `    ours   ${out(sent)}`));
      this.transcript.push(`    ours: ${verdict}${difference === 'none' ? '' : ` (${difference.name})`}`);
    }
  }

  #configure(services: readonly Service[]): void {
    this.transcript.push(...changes(this.#services, services).map((line) => `ipvsadm ${line}`));
    const servers = (all: readonly Service[]) => all.flatMap(({ destinations }) => destinations.map(({ address }) => address));
    for (const address of servers(this.#services)) this.#removed.add(address);
    for (const address of servers(services)) this.#removed.delete(address);
    this.#everRemoved ||= this.#removed.size > 0;
    this.#services = services;
    for (const balancer of [this.#ipvs, this.#natlb] satisfies Balancer[]) balancer.configure(services);
  }

  /** natlb ends UDP flows with their server; IPVS keeps them, and counts nothing for them. */
  #isOfRemoved(line: string): boolean {
    return line.startsWith('udp ') && [...this.#removed].some((address) => line.includes(` ${address}:`));
  }

  #unequal(what: string, theirs: readonly string[], ours: readonly string[]): string | undefined {
    if (theirs.join('\n') === ours.join('\n')) return undefined;
    this.transcript.push(...theirs.filter((line) => !ours.includes(line)).map((line) => `    theirs ${what} ${line}`));
    this.transcript.push(...ours.filter((line) => !theirs.includes(line)).map((line) => `    ours   ${what} ${line}`));
    return what;
  }

  /** The flows at the end, how long they still have, and what was counted. */
  #ledger(before: readonly (readonly number[])[]): string | undefined {
    const theirs = this.#ipvs.flows();
    const ours = this.#natlb.flows();
    const text = (all: typeof ours) =>
      all
        .map((flow) => flow.text)
        .filter((line) => !this.#isOfRemoved(line))
        .sort();
    const flows = this.#unequal('flow', text(theirs), text(ours));
    if (flows !== undefined) return flows;
    const late = ours.filter((flow) => {
      const opposite = theirs.find((other) => other.text === flow.text)?.expiresInS ?? 0;
      return Math.abs(opposite - flow.expiresInS) > EXPIRY_SLACK_S;
    });
    if (late.length > 0) {
      this.transcript.push(
        ...late.map(
          (flow) =>
            `    ours   expires in ${flow.expiresInS} s, theirs in ${theirs.find(({ text }) => text === flow.text)?.expiresInS} s: ${flow.text}`,
        ),
      );
      return 'time to expiry';
    }
    if (this.used.length > 0 || this.#everRemoved) return undefined;
    const [theirCounts, ourCounts] = [this.#ipvs.totals(), this.#natlb.totals()].map((now, whose) =>
      COUNTERS.map((counter, at) => `${counter} ${(now[at] ?? 0) - (before[whose]?.[at] ?? 0)}`),
    );
    return this.#unequal('counter', theirCounts ?? [], ourCounts ?? []);
  }
}

function out({ device, frame }: Sent): string {
  return `out eth${device} ${fields(frame).fragment ? `fragment ${frame.toString('hex', 14)}` : show(frame)} [${frame.toString('hex', 0, 12)}]`;
}
