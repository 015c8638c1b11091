// The health checkers of a real server as the rest of natlb sees them: every default filled in, times in milliseconds.

import type { Place, Script } from './place.js';

export interface CheckerTiming {
  readonly connectTimeoutMs: number;
  /** Between checks. */
  readonly delayLoopMs: number;
  /** Failures that are forgiven while up. */
  readonly retry: number;
  readonly delayBeforeRetryMs: number;
  /** Longest random delay of the first check. Absent: delayLoopMs. */
  readonly warmupMs?: number;
  /** Start down until the first success. */
  readonly alpha: boolean;
  /** Failures that are forgiven are logged too. */
  readonly logAllFailures?: true;
  readonly connect: { readonly address: string; readonly port: number };
  readonly bindAddress?: string;
  readonly bindPort?: number;
  readonly bindInterface?: string;
  /** Firewall mark of the check's own packets. */
  readonly mark?: number;
}

export interface HttpUrl {
  readonly path: string;
  /** Inclusive ranges; default 200-299. */
  readonly statusCodes: readonly { readonly from: number; readonly to: number }[];
  /** MD5 of the body in lower-case hex. */
  readonly digest?: string;
  readonly virtualHost?: string;
  readonly regex?: BodyRegex;
  readonly tlsCompliant?: true;
  readonly place: Place;
}

export interface BodyRegex {
  readonly pattern: string;
  /** JavaScript's. */
  readonly flags: string;
  /** The body passes when it does not match. */
  readonly inverted?: true;
  /** Where in the body, in bytes, a match may begin. */
  readonly minOffset?: number;
  readonly maxOffset?: number;
}

export interface Tls {
  /** Sent as server name (SNI). Without a name: that of the url's virtual host. */
  readonly sni?: { readonly name?: string };
  /** The connection is closed as TLS wants it. */
  readonly compliant?: true;
  readonly files: TlsFiles;
}

/** Names of PEM files, of the `SSL` block. */
export interface TlsFiles {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly password?: string;
}

export type HttpCheck = {
  readonly kind: 'http';
  readonly urls: readonly HttpUrl[];
  readonly protocol: '1.0' | '1.0C' | '1.1';
  readonly virtualHost?: string;
  /** No delay_loop between the urls of a server that must prove itself. */
  readonly fastRecovery?: true;
  readonly tls?: Tls;
};

export type DnsType = 'A' | 'NS' | 'CNAME' | 'SOA' | 'MX' | 'TXT' | 'AAAA' | 'RRSIG' | 'DNSKEY';

export interface DnsCheck {
  readonly kind: 'dns';
  readonly type: DnsType;
  /** Without a dot at its end; the root is empty. */
  readonly name: string;
}

export interface MiscCheck {
  readonly kind: 'misc';
  readonly script: Script;
  readonly timeoutMs: number;
  /** Exit codes from 2 on are a weight. */
  readonly dynamic: boolean;
}

export interface UdpCheck {
  readonly kind: 'udp';
  /** In hex. Absent: bytes that mean nothing. */
  readonly payload?: string;
  readonly reply?: ExpectedReply;
}

export interface ExpectedReply {
  /** How it begins, in hex, and which bits of that count. */
  readonly data: string;
  readonly mask: string;
  readonly shortest: number;
  readonly longest: number;
}

export interface FileCheck {
  readonly kind: 'file';
  /** Of the track_file. */
  readonly name: string;
  /** 0: any other value than 0 is a failure. */
  readonly weight: number;
  readonly reverse: boolean;
}

export type Check =
  | { readonly kind: 'tcp' }
  | HttpCheck
  | { readonly kind: 'smtp'; readonly heloName: string }
  | DnsCheck
  | MiscCheck
  | UdpCheck
  | { readonly kind: 'ping' }
  | { readonly kind: 'bfd'; readonly name: string }
  | FileCheck;

export type Checker = CheckerTiming & { readonly place: Place } & Check;
export type CheckerOf<Kind extends Check['kind']> = Extract<Checker, { readonly kind: Kind }>;
