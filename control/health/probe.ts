// Which probe a checker makes.

import type { Checker } from '../config/checker.js';
import { probeDns } from './probe-dns.js';
import { probeHttp } from './probe-http.js';
import { probeMisc } from './probe-misc.js';
import { probePing } from './probe-ping.js';
import { probeSmtp } from './probe-smtp.js';
import { probeTcp } from './probe-tcp.js';
import { probeUdp } from './probe-udp.js';
import type { Probe } from './watch.js';

/** `log`: what scripts write. */
export function probes(log: (text: string) => void): Probe {
  return (checker, url, done) => {
    switch (checker.kind) {
      case 'tcp':
        return probeTcp(checker, done);
      case 'http':
        return probeUrl(checker, url, done);
      case 'smtp':
        return probeSmtp(checker, done);
      case 'dns':
        return probeDns(checker, done);
      case 'misc':
        return probeMisc(checker, log, done);
      case 'udp':
        return probeUdp(checker, done);
      case 'ping':
        return probePing(checker, done);
      case 'bfd':
      case 'file':
        throw new Error(`nobody probes for ${checker.kind}: it tells by itself`);
    }
  };
}

/** An HTTP_GET without a url asks for nothing more than a connection. */
function probeUrl(checker: Extract<Checker, { kind: 'http' }>, url: number, done: Parameters<Probe>[2]): ReturnType<Probe> {
  const asked = checker.urls[url];
  return asked === undefined ? probeTcp(checker, done) : probeHttp(checker, asked, done);
}
