// What stands behind a control socket in the tests: a natlb that always answers the same.

import type { Handlers } from '../../control/socket.js';
import type { Explanation, FlowEntry, FlowPiece } from '../../dataplane/protocol.js';
import { STATUS } from './sample-status.js';

export const FLOW: FlowEntry = {
  name: '[203.0.113.10]:tcp:80',
  protocol: 'tcp',
  template: false,
  expiresInMs: 899_000,
  state: 'ESTABLISHED',
  client: { address: '192.0.2.1', port: 40_000 },
  service: { address: '203.0.113.10', port: 80 },
  destination: { address: '10.11.12.1', port: 8080 },
};

export const EXPLANATION: Explanation = {
  isLocal: true,
  candidates: [],
  verdict: 'no_service',
  fate: 'dropped',
  help: 'not for a service and not of a flow',
  in: { interface: 'eth0', frame: '' },
};

export const HANDLERS: Handlers = {
  status: async () => STATUS,
  flows: async () => piece([FLOW]),
  explain: async () => EXPLANATION,
  trace: async () => ({ packets: [], lost: 0 }),
  reload: async () => ({ applied: false, message: 'line 3: unknown keyword' }),
  confirm: async () => ({ applied: false, message: 'no configuration is on trial' }),
  dump: async () => ['/run/natlb/keepalived.stats'],
  diff: async () => ({ file: '/etc/keepalived/keepalived.conf', loadable: true, findings: [], differences: [] }),
};

export function piece(flows: readonly FlowEntry[], next?: number): FlowPiece {
  const lines = flows.map((flow) => `${JSON.stringify(flow)}\n`).join('');
  return { lines, matched: flows.length, ...(next === undefined ? {} : { next }) };
}
