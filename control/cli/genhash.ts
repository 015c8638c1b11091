// `natlb genhash`: the digest to write into HTTP_GET or SSL_GET for a page as it is now. The options are those of keepalived --genhash.

import { createHash } from 'node:crypto';
import { connect as connectPlain, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readResponse } from '../health/http-response.js';
import { type Io, reportErrors, UsageError } from './args.js';
import { givenOptions, type Option } from './options.js';

const OPTIONS = [
  { long: 'use-ssl', short: 'S', takes: 'nothing' },
  { long: 'use-sni', short: 'I', takes: 'nothing' },
  { long: 'server', short: 's', takes: 'value' },
  { long: 'port', short: 'p', takes: 'value' },
  { long: 'url', short: 'u', takes: 'value' },
  { long: 'use-virtualhost', short: 'V', takes: 'value' },
  { long: 'protocol', short: 'P', takes: 'value' },
  { long: 'timeout', short: 't', takes: 'value' },
  { long: 'fwmark', short: 'm', takes: 'value' },
  { long: 'verbose', short: 'v', takes: 'nothing' },
  { long: 'help', short: 'h', takes: 'nothing' },
] as const satisfies readonly Option[];

type Name = (typeof OPTIONS)[number]['long'];

const USAGE =
  'genhash -s ADDRESS -p PORT -u URL [-S [-I]] [-V VIRTUALHOST] [-P 1.0|1.0c|1.1] [-t SECONDS] [-v]\n' +
  '  -S: by TLS; -I: with the virtual host as its server name; -P 1.0c: with Connection: close\n';
const PROTOCOLS = ['1.0', '1.0c', '1.1'];
const LONGEST_MS = 60_000;
const LONGEST_BODY_BYTES = 64 * 1024 * 1024;

interface Wanted {
  readonly server: string;
  readonly port: number;
  readonly url: string;
  readonly virtualHost?: string;
  readonly protocol: string;
  readonly usesTls: boolean;
  readonly namesServer: boolean;
  readonly timeoutMs: number;
  readonly verbose: boolean;
}

interface Page {
  readonly status: number;
  readonly digest: string;
  /** Of the body without what its transfer put in between. */
  readonly decodedDigest: string;
  readonly bytes: number;
}

export function genhash(args: readonly string[], io: Io): Promise<number> {
  return reportErrors('genhash', io, async () => {
    const wanted = readWanted(args);
    if (wanted === undefined) return io.out(USAGE);
    const page = await fetchPage(wanted);
    if (wanted.verbose) io.out(`status ${page.status}, ${page.bytes} bytes\n`);
    if (page.digest !== page.decodedDigest)
      io.error('natlb genhash: the body came in chunks; the digest is that of the page without them\n');
    if (page.status !== 200) io.error(`natlb genhash: the server answered with status ${page.status}\n`);
    io.out(`MD5SUM = ${page.decodedDigest}\n`);
  });
}

/** Nothing: help is wanted. */
function readWanted(args: readonly string[]): Wanted | undefined {
  const given = new Map<Name, string>(givenOptions(args, OPTIONS).map(({ option, value = '' }) => [option.long, value]));
  if (given.has('help')) return undefined;
  if (given.has('fwmark')) throw new UsageError('--fwmark: natlb sets no marks on what it sends; use ip rule … ipproto tcp dport PORT');
  const virtualHost = given.get('use-virtualhost');
  return {
    server: address(must(given, 'server')),
    port: number(must(given, 'port'), 'a port', 65_535),
    url: path(must(given, 'url')),
    ...(virtualHost === undefined ? {} : { virtualHost: oneLine(virtualHost) }),
    protocol: protocol(given.get('protocol') ?? '1.0'),
    usesTls: given.has('use-ssl'),
    namesServer: given.has('use-sni'),
    timeoutMs: number(given.get('timeout') ?? '5', 'seconds', LONGEST_MS / 1000) * 1000,
    verbose: given.has('verbose'),
  };
}

function must(given: ReadonlyMap<Name, string>, name: Name): string {
  const value = given.get(name);
  if (value === undefined) throw new UsageError(`--${name} is missing; expected ${USAGE.split('\n')[0]}`);
  return value;
}

function address(text: string): string {
  if (isIP(text) === 0) throw new UsageError(`--server ${text}: expected an IP address`);
  return text;
}

function number(text: string, what: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw new UsageError(`expected ${what} from 1 to ${most}, found '${text}'`);
  return value;
}

function path(text: string): string {
  if (!/^\/[\x21-\x7e]*$/.test(text)) throw new UsageError(`--url ${JSON.stringify(text)}: expected a path such as /index.html`);
  return text;
}

function oneLine(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`--use-virtualhost ${JSON.stringify(text)}: expected a name`);
  return text;
}

function protocol(text: string): string {
  const lower = text.toLowerCase();
  if (!PROTOCOLS.includes(lower)) throw new UsageError(`--protocol ${text}: expected ${PROTOCOLS.join(', ')}`);
  return lower;
}

function fetchPage(wanted: Wanted): Promise<Page> {
  return new Promise((resolve, reject) => {
    const [raw, content] = [createHash('md5'), createHash('md5')];
    let bytes = 0;
    const reader = readResponse({
      raw: (some) => {
        bytes += some.length;
        raw.update(some);
      },
      content: (some) => void content.update(some),
    });
    const socket = open(wanted, () => socket.write(request(wanted)));
    const limit = setTimeout(() => socket.destroy(new Error(`no complete answer within ${wanted.timeoutMs / 1000} s`)), wanted.timeoutMs);
    const look = (progress: ReturnType<typeof reader.push>): void => {
      if (progress.kind === 'malformed') socket.destroy(new Error(`the answer is no HTTP: ${progress.reason}`));
      if (bytes > LONGEST_BODY_BYTES) socket.destroy(new Error('the page is longer than 64 MiB'));
      if (progress.kind !== 'complete') return;
      resolve({ status: progress.head.status, digest: raw.digest('hex'), decodedDigest: content.digest('hex'), bytes });
      socket.removeAllListeners('data').destroy();
    };
    socket.on('data', (some: Buffer) => look(reader.push(some)));
    socket.once('end', () => look(reader.end()));
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(limit);
      reject(new Error('the server closed before its answer was complete'));
    });
  });
}

/** Whose certificate it is does not matter for a digest. */
function open({ server, port, usesTls, namesServer, virtualHost }: Wanted, ready: () => void): Socket {
  if (!usesTls) return connectPlain({ host: server, port }, ready);
  const servername = namesServer && virtualHost !== undefined ? { servername: virtualHost } : {};
  return connectTls({ host: server, port, rejectUnauthorized: false, ...servername }, ready);
}

function request({ server, port, url, virtualHost, protocol: version }: Wanted): string {
  const host = virtualHost ?? `${isIPv6(server) ? `[${server}]` : server}:${port}`;
  const close = version === '1.0' ? '' : 'Connection: close\r\n';
  return `GET ${url} HTTP/${version.slice(0, 3)}\r\nUser-Agent: KeepAliveClient\r\n${close}Host: ${host}\r\n\r\n`;
}
