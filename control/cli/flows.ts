// `natlb flows`: who is connected to what, one line each, as they come out of the table.

import type { Endpoint, FlowEntry, FlowFilter } from '../../dataplane/protocol.js';
import { familyOf, parseAddress, parseEndpoint, widthOf } from '../config/address.js';
import { type Io, RUN_DIR_OPTION, readOptions, reportErrors, UsageError } from './args.js';
import { DEFAULT_RUN_DIR, streamFlows } from './client.js';

const OPTIONS = {
  ...RUN_DIR_OPTION,
  service: { type: 'string' },
  client: { type: 'string' },
  server: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean' },
  count: { type: 'boolean' },
} as const;

type Values = { readonly [Name in 'service' | 'client' | 'server' | 'state']?: string | undefined };

export function flows(args: readonly string[], io: Io, streaming: typeof streamFlows = streamFlows): Promise<number> {
  return reportErrors('flows', io, async () => {
    const values = readOptions(args, OPTIONS);
    const request = { filter: flowFilter(values), listed: !values.count };
    const pieces = streaming(values['run-dir'] ?? DEFAULT_RUN_DIR, request);
    const line = values.json ? (flow: FlowEntry) => `${JSON.stringify(flow)}\n` : flowText;
    let title = values.count || values.json ? '' : TITLE;
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done) return values.count ? io.out(`${next.value}\n`) : undefined;
      io.out(title + next.value.map(line).join(''));
      title = ''; // not before there is an answer
      await io.drained?.();
    }
  });
}

function flowFilter({ service, client, server, state }: Values): FlowFilter {
  return {
    ...(service !== undefined && serviceFilter(service)),
    ...(client !== undefined && { client: clients(client) }),
    ...(server !== undefined && { server: where(server, '--server', 'ADDRESS[:PORT]') }),
    ...(state !== undefined && { state: state.toUpperCase() }),
  };
}

/** What is no address and port is a name. */
function serviceFilter(text: string): Pick<FlowFilter, 'name' | 'service'> {
  const endpoint = parseEndpoint(text);
  return endpoint === undefined ? { name: text } : { service: { address: endpoint.address.text, port: endpoint.port } };
}

/** An address, without brackets where no port follows, and a port, 0 if there is none. */
function where(text: string, option: string, expected: string): Endpoint {
  const alone = parseAddress(text);
  if (alone !== undefined) return { address: alone.text, port: 0 };
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new UsageError(`${option} ${text}: expected ${expected}`);
  return { address: endpoint.address.text, port: endpoint.port };
}

const CLIENT_FORM = 'ADDRESS[/LENGTH][:PORT], as in 198.51.100.0/24 or [2001:db8::7]:51514';

function clients(text: string): NonNullable<FlowFilter['client']> {
  const [, before = '', length, after = ''] = /^([^/]*)(?:\/(\d{1,3})(\]?(?::\d+)?))?$/.exec(text) ?? [];
  const { address, port } = where(before + after, '--client', CLIENT_FORM);
  const width = widthOf(familyOf(address));
  const prefixLength = length === undefined ? width : Number(length);
  if (prefixLength > width) throw new UsageError(`--client ${text}: a prefix of ${address} has at most ${width} bits`);
  return { address, port, prefixLength };
}

const TITLE = `${columns('PROTO', 'STATE', 'EXPIRES', 'CLIENT', 'SERVICE')}SERVER\n`;

function flowText({ protocol, template, state, expiresInMs, client, service, destination }: FlowEntry): string {
  const expires = `${Math.floor(expiresInMs / 1000)}s`;
  const start = columns(
    protocol,
    template ? 'template' : state,
    expires,
    template ? client.address : endpointText(client),
    endpointText(service),
  );
  return `${start}${endpointText(destination)}\n`;
}

function columns(protocol: string, state: string, expires: string, client: string, service: string): string {
  return `${protocol.padEnd(5)} ${state.padEnd(17)} ${expires.padEnd(7)} ${client.padEnd(21)} ${service.padEnd(21)} `;
}

function endpointText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
