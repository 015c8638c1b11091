// What real programs do through the router, step by step. Read this first: what each step does stands in the file its section names.

import type { Step } from '../report.js';
import type { ProgramsLab } from './lab.js';
import * as dns from './steps-dns.js';
import * as iperf from './steps-iperf.js';
import * as router from './steps-router.js';
import * as size from './steps-size.js';
import * as ssh from './steps-ssh.js';
import * as web from './steps-web.js';

export const PROGRAMS_STORY: readonly Step<ProgramsLab>[] = [
  { name: 'the router starts and finds every server up', run: router.start, vital: true },
  { name: 'nginx and curl: files arrive intact both ways', run: web.http },
  { name: 'the same through TLS, which passes through', run: web.https },
  { name: 'many clients at once, up and down, offloads as they come', run: web.parallel },
  { name: 'the same, offloads of the hosts off', run: web.parallelWithoutOffloads },
  { name: 'ssh: a pipe both ways at once, and files through sftp', run: ssh.ssh },
  { name: 'dnsmasq and dig: every question over UDP and TCP is answered', run: dns.dig },
  { name: 'host asks too', run: dns.host },
  { name: 'an answer too big for the asker is truncated over UDP, and whole over TCP', run: dns.truncatedAnswers },
  { name: 'iperf3: streams each way, four at once, and both ways at once', run: iperf.streams },
  { name: 'iperf3: datagrams each way, none is lost', run: iperf.datagrams },
  { name: 'the private side is narrower: the router tells the client', run: size.privateSide },
  { name: 'the public side is narrower: the router tells the servers', run: size.publicSide },
  { name: 'a link far away is narrower: the servers hear of it through the router', run: size.farSide },
  { name: 'no packet with a private address has reached the public side', run: router.noLeak },
  { name: 'the metrics add up: every packet received has one verdict', run: router.metrics },
  { name: 'nothing crashed on the way', run: router.nothingCrashed },
];
