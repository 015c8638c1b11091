// What real programs do through the router, step by step. Read this first: what each step does stands in the file its section names.

import type { Step } from '../report.js';
import type { ProgramsLab } from './lab.js';
import * as dns from './steps-dns.js';
import * as ftp from './steps-ftp.js';
import * as iperf from './steps-iperf.js';
import * as persistence from './steps-persistence.js';
import * as router from './steps-router.js';
import * as size from './steps-size.js';
import * as ssh from './steps-ssh.js';
import * as web from './steps-web.js';

type Steps = readonly Step<ProgramsLab>[];

const START: Steps = [{ name: 'the router starts and finds every server up', run: router.start, vital: true }];

const WEB: Steps = [
  { name: 'nginx and curl: files arrive intact both ways', run: web.http },
  { name: 'the same through TLS, which passes through', run: web.https },
  { name: 'many clients at once, up and down, offloads as they come', run: web.parallel },
  { name: 'the same, offloads of the hosts off', run: web.parallelWithoutOffloads },
];

const FTP: Steps = [
  { name: 'vsftpd and curl: passive, as PASV and EPSV agree', run: ftp.passive },
  { name: 'the same, active, as PORT and EPRT agree', run: ftp.active },
  { name: 'lftp: commands in advance of their answers, several files at once', run: ftp.lftp },
];

const OTHERS: Steps = [
  { name: 'ssh: a pipe both ways at once, and files through sftp', run: ssh.ssh },
  { name: 'dnsmasq and dig: every question over UDP and TCP is answered', run: dns.dig },
  { name: 'host asks too', run: dns.host },
  { name: 'an answer too big for the asker is truncated over UDP, and whole over TCP', run: dns.truncatedAnswers },
];

const PERSISTENCE: Steps = [
  { name: 'two ports of one mark: each client stays with one server', run: persistence.marked },
  { name: 'a service on every port: each client stays with one server', run: persistence.everyPort },
  { name: 'the same over UDP', run: persistence.everyUdpPort },
  { name: 'iperf3: streams each way, four at once, and both ways at once', run: iperf.streams },
  { name: 'iperf3: datagrams each way, none is lost', run: iperf.datagrams },
];

const FRAGMENTS: Steps = [
  { name: 'dig: answers of 4000 bytes come in fragments', run: dns.bigAnswers },
  { name: 'iperf3: datagrams of 4000 bytes each way, none is lost', run: iperf.bigDatagrams },
  { name: 'one side is narrower: the router cuts IPv4 fragments again', run: size.cutAgain },
];

const SIZE: Steps = [
  { name: 'the private side is narrower: the router tells the client', run: size.privateSide },
  { name: 'the public side is narrower: the router tells the servers', run: size.publicSide },
  { name: 'a link far away is narrower: the servers hear of it through the router', run: size.farSide },
];

const END: Steps = [
  { name: 'no packet with a private address has reached the public side', run: router.noLeak },
  { name: 'the metrics add up: every packet received has one verdict', run: router.metrics },
  { name: 'nothing crashed on the way', run: router.nothingCrashed },
];

/** With a VLAN, what a tag could disturb. */
export function programsStory({ vlan }: { readonly vlan: boolean }): Steps {
  return vlan
    ? [...START, ...WEB, ...FRAGMENTS, ...SIZE, ...END]
    : [...START, ...WEB, ...FTP, ...OTHERS, ...PERSISTENCE, ...FRAGMENTS, ...SIZE, ...END];
}
