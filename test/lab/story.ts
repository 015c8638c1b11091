// The story the lab tells, step by step. Read this first: what each step does stands in the file its section names.

import type { Lab, RouterKind } from './lab.js';
import type { Step } from './report.js';
import * as failover from './steps-failover.js';
import * as interop from './steps-interop.js';
import * as operating from './steps-operating.js';
import * as serving from './steps-serving.js';

/** One active router serves. */
const SERVING: readonly Step<Lab>[] = [
  { name: 'two routers start: one becomes master, the other backup', run: serving.start, vital: true },
  { name: 'thirty requests are spread evenly over three servers', run: serving.spread },
  { name: 'requests on one connection stay with one server', run: serving.stay },
  { name: 'a download of 100 MB arrives intact, offloads as they come', run: serving.download },
  { name: 'a download of 100 MB arrives intact, offloads of the hosts off', run: serving.downloadWithoutOffloads },
  { name: 'UDP is echoed by every server', run: serving.echo },
  { name: 'HTTP over IPv6 is spread evenly too', run: serving.spreadIpv6 },
  { name: 'the virtual addresses answer ping, and a server can ping its router', run: serving.pings },
  { name: 'a server dies: the checks notice, and no request fails after that', run: serving.serverDies },
  { name: 'the server returns and gets its share again', run: serving.serverReturns },
];

/** One of the two fails, in every way there is. */
const FAILOVER: readonly Step<Lab>[] = [
  { name: 'the active router is killed: the standby takes over', run: failover.routerKilled },
  { name: 'it returns and takes over again', run: failover.routerReturns },
  { name: 'only its data plane is killed: control says farewell at once and restarts it', run: failover.dataplaneKilled },
  { name: 'only its control is killed: the data plane forwards on for its grace, then withdraws', run: failover.controlKilled },
  { name: 'it is started again and takes over', run: failover.routerReturns },
  { name: 'it is stopped in order: the standby takes over quickly', run: failover.routerStopped },
  { name: 'it is started once more and takes over', run: failover.routerReturns },
  { name: 'its public cable is cut: both sides move to the standby', run: failover.cableCut },
  { name: 'the cable is plugged in again: both sides come back', run: failover.cablePlugged },
];

/** Debian's keepalived, which forwards nothing, is the other router: only the addresses move. */
const INTEROP: readonly Step<Lab>[] = [
  { name: 'keepalived accepts the same file', run: interop.keepalivedAccepts },
  { name: 'the two understand each other: nothing moves', run: interop.steady },
  { name: 'the active router is stopped in order: the addresses move', run: interop.activeStopped },
  { name: 'it returns: the addresses come back', run: interop.activeReturns },
  { name: 'the active router is killed: the addresses move', run: interop.activeKilled },
  { name: 'it returns once more: the addresses come back', run: interop.activeReturns },
  { name: 'its public cable is cut: both sides move', run: interop.cableCut },
  { name: 'the cable is plugged in again: both sides come back', run: interop.cablePlugged },
];

/** Operators change, look and measure. */
const OPERATING: readonly Step<Lab>[] = [
  { name: 'a fourth server is added to the file: a reload brings it in, and no request fails', run: operating.serverAdded },
  { name: 'a bad file is refused: the running configuration stays', run: operating.badReload },
  { name: 'the metrics add up: every packet received has one verdict', run: operating.metrics },
  { name: 'a real Prometheus scrapes the active router and sees it work', run: operating.prometheus },
  { name: 'natlb ipvsadm -Ln shows the services as ipvsadm does', run: operating.ipvsadm },
  { name: 'natlb status says it all on one page', run: operating.status },
  { name: 'nothing crashed on the way', run: operating.nobodyCrashed },
];

export function story(standby: RouterKind): readonly Step<Lab>[] {
  return [...SERVING, ...(standby === 'natlb' ? FAILOVER : INTEROP), ...OPERATING];
}
