// What arrives, and which of the instances take it: everything else is counted by reason, and logged within bounds.

import type { VrrpInstance } from '../config/model.js';
import { addressBytes, compareAddresses } from './address-bytes.js';
import { type Authenticator, createAuthenticator } from './authenticator.js';
import { COUNTED_AS } from './counters.js';
import { type Advert, type Decoded, type Discarded, decode, virtualRouterIdOf } from './decode.js';
import { HASHES } from './hashes.js';
import { advertInterface } from './interfaces.js';
import type { Ledgers } from './ledger.js';
import type { Received } from './packet.js';
import { OWNER_PRIORITY } from './state.js';
import type { Unit } from './unit.js';

/** One instance and where its state is. */
export interface Seat {
  readonly unit: Unit;
  readonly member: number;
  readonly instance: VrrpInstance;
}

export interface HearingOptions {
  /** Those that run. */
  readonly seats: () => readonly Seat[];
  readonly ledgers: Ledgers;
  /** The address an instance sends from. */
  readonly sourceOf: (instance: VrrpInstance) => string | undefined;
  readonly log: (text: string) => void;
  /** Once in a while for each kind. */
  readonly logLimited: (kind: string, text: string) => void;
}

export class Hearing {
  logsUnknownVrids = false;
  private readonly options: HearingOptions;
  private readonly authenticators = new WeakMap<VrrpInstance, Authenticator>();

  constructor(options: HearingOptions) {
    this.options = options;
  }

  receive(interfaceName: string, packet: Received): void {
    const here = this.options
      .seats()
      .filter(({ instance }) => advertInterface(instance) === interfaceName && instance.family === packet.family);
    const virtualRouterId = virtualRouterIdOf(packet);
    const meant = here.filter(({ instance }) => instance.virtualRouterId === virtualRouterId);
    if (meant.length === 0 && this.logsUnknownVrids && virtualRouterId !== undefined)
      this.options.logLimited(`${interfaceName} ${virtualRouterId}`, `Unknown VRID(${virtualRouterId}) received on ${interfaceName}`);
    this.hear(meant.length > 0 ? meant : here, packet);
  }

  /** Two instances may have one VRID where they have not the same group: what one of them takes is no error of the other's. */
  private hear(seats: readonly Seat[], packet: Received): void {
    const heard = seats.map((seat) => ({ seat, decoded: decode(packet, seat.instance, this.authenticator(seat.instance)) }));
    const taken = heard.some(({ decoded }) => 'advert' in decoded);
    for (const { seat, decoded } of heard) {
      if ('advert' in decoded) this.heed(seat, decoded);
      else if (!taken) this.discard(seat.instance, decoded);
    }
  }

  private discard(instance: VrrpInstance, { discard, detail }: Discarded): void {
    this.options.ledgers.of(instance).counters[COUNTED_AS[discard]]++;
    // Other routers' business is no error, and a network may be full of it.
    if (discard !== 'virtual-router-id' && discard !== 'other-protocol') this.logAbout(instance, discard, detail);
  }

  /** Also of what is sent. */
  authenticator(instance: VrrpInstance): Authenticator {
    const { memory } = this.options.ledgers.of(instance);
    const known = this.authenticators.get(instance);
    const authenticator = known ?? createAuthenticator(instance, { memory, hashes: HASHES, wallClockMs: Date.now });
    this.authenticators.set(instance, authenticator);
    return authenticator;
  }

  private heed({ unit, member, instance }: Seat, { advert, datagram }: Exclude<Decoded, Discarded>): void {
    const own = this.options.sourceOf(instance);
    // To answer oneself through a looping switch would never end.
    if (advert.source === own) {
      this.options.ledgers.of(instance).counters.fromOwnAddress++;
      this.logAbout(instance, 'own address', `received an advert from our own address ${own}`);
      return;
    }
    if (instance.ownerIgnoreAdverts && unit.priorityOf(member) === OWNER_PRIORITY) {
      this.options.ledgers.of(instance).counters.ignoredAsOwner++;
      this.logAbout(instance, 'owner', `Dropping packet(s) from ${advert.source} since we are address owner`);
      return;
    }
    this.note(instance, advert);
    const { priority, intervalMs, source } = advert;
    const fromHigherAddress = own === undefined || compareAddresses(addressBytes(source), addressBytes(own)) > 0;
    const lesser = priority < unit.priorityOf(member) && priority > 0;
    if (lesser && unit.stateOf(member).kind === 'master') this.authenticator(instance).resume(datagram);
    unit.dispatch(member, { kind: 'advert', priority, intervalMs, source, fromHigherAddress });
  }

  private note(instance: VrrpInstance, advert: Advert): void {
    const ledger = this.options.ledgers.of(instance);
    const { counters, checksumForms } = ledger;
    counters.advertsReceived++;
    checksumForms[advert.checksumForm]++;
    if (advert.priority === 0) counters.priorityZeroReceived++;
    const known = instance.skipCheckAdvertAddresses && advert.source === ledger.lastSource;
    ledger.lastSource = advert.source;
    if (advert.addressesDiffer && !known) {
      counters.addressListErrors++;
      this.logAbout(
        instance,
        'addresses',
        `${advert.source} advertises ${advert.addresses.join(', ')}, which is not what is configured here`,
      );
    }
    this.noteChecksum(instance, advert);
  }

  private noteChecksum(instance: VrrpInstance, { version, checksumForm, source }: Advert): void {
    if (version === 2 || instance.family === 6) return;
    const ledger = this.options.ledgers.of(instance);
    if (checksumForm === 'to-multicast-group') {
      if (!ledger.toMulticastGroup) this.options.log(`(${instance.name}) Setting unicast VRRPv3 checksum to old version`);
      ledger.toMulticastGroup = true;
    } else if ((checksumForm === 'message-only') !== instance.v3ChecksumAsV2) {
      const theirs = checksumForm === 'message-only' ? 'without a pseudo-header (RFC 9568)' : 'with a pseudo-header';
      this.logAbout(instance, 'checksum form', `${source} computes VRRPv3 checksums ${theirs}, unlike us: see v3_checksum_as_v2`);
    }
  }

  private logAbout({ name }: VrrpInstance, kind: string, text: string): void {
    this.options.logLimited(`${name} ${kind}`, `(${name}) ${text}`);
  }
}
