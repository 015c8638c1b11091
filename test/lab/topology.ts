// The network of the lab: one namespace per host, one for the two switches, veth pairs as cables. Nothing touches the machine's own network.

import { readdirSync, rmSync } from 'node:fs';
import { alive, attempt, run } from './process.js';

const SWITCHES = ['public', 'private', 'far'] as const;
type SwitchName = (typeof SWITCHES)[number];

/** One cable: from the host's interface to a port of a switch. */
interface Cable {
  readonly interface: string;
  readonly network: SwitchName;
  readonly addresses: readonly string[];
  /** Its frames carry this VLAN's tag, and the addresses are those of the interface that has it. */
  readonly vlan?: number;
}

export interface Plan {
  readonly name: string;
  readonly cables: readonly Cable[];
  readonly gateways: readonly string[];
  readonly forwards?: boolean;
}

export interface Host {
  readonly name: string;
  readonly namespace: string;
  /** The ends of its cables. */
  readonly interfaces: readonly string[];
  /** Where its addresses are, in the same order. */
  readonly addressed: readonly string[];
}

export const VIP = '203.0.113.10';
export const VIP6 = '2001:db8:113::10';
export const NAT_VIP = '10.11.12.10';
export const NAT_VIP6 = 'fd00:11:12::10';

const PRIVATE_VLAN = 7;

/** Who stands where. The fourth server is in the rack from the start, but in no configuration. */
export const TWO_ROUTERS: readonly Plan[] = [
  { name: 'client', cables: [onPublic(254)], gateways: [] },
  { name: 'active', cables: [onPublic(9), onPrivate(9, 'eth1')], gateways: ['203.0.113.254', '2001:db8:113::254'], forwards: true },
  { name: 'standby', cables: [onPublic(8), onPrivate(8, 'eth1')], gateways: ['203.0.113.254', '2001:db8:113::254'], forwards: true },
  ...[1, 2, 3, 4].map((n): Plan => ({ name: `server${n}`, cables: [onPrivate(n, 'eth0')], gateways: [NAT_VIP, NAT_VIP6] })),
];

/** One router; the client is the way to a host farther off, as a router of the Internet is. */
export const ONE_ROUTER: readonly Plan[] = [
  { name: 'far', cables: [onFar(7, 'eth0')], gateways: ['198.51.100.1', '2001:db8:51::1'] },
  { name: 'client', cables: [onPublic(254), onFar(1, 'eth1')], gateways: [], forwards: true },
  ...TWO_ROUTERS.filter(({ name }) => ['active', 'server1', 'server2', 'server3'].includes(name)),
];

/** The same, but the private side is a VLAN. */
export const ONE_ROUTER_TAGGED: readonly Plan[] = ONE_ROUTER.map((plan) => ({
  ...plan,
  cables: plan.cables.map((cable) => (cable.network === 'private' ? { ...cable, vlan: PRIVATE_VLAN } : cable)),
}));

function onFar(n: number, name: string): Cable {
  return { interface: name, network: 'far', addresses: [`198.51.100.${n}/24`, `2001:db8:51::${n}/64`] };
}

function onPublic(n: number): Cable {
  return { interface: 'eth0', network: 'public', addresses: [`203.0.113.${n}/24`, `2001:db8:113::${n}/64`] };
}

function onPrivate(n: number, name: string): Cable {
  return { interface: name, network: 'private', addresses: [`10.11.12.${n}/24`, `fd00:11:12::${n}/64`] };
}

/** Every namespace of a lab begins with this and the lab's process id, so that labs can run side by side and leftovers can be told. */
const PREFIX = 'natlb';

export class Network {
  readonly #prefix: string;
  readonly #switch: string;
  readonly #plans: readonly Plan[];
  readonly #hosts: ReadonlyMap<string, Host>;

  private constructor(prefix: string, plans: readonly Plan[]) {
    this.#prefix = prefix;
    this.#switch = `${prefix}-switch`;
    this.#plans = plans;
    this.#hosts = new Map(plans.map((plan) => [plan.name, hostOf(plan, prefix)]));
  }

  static async build(plans: readonly Plan[]): Promise<Network> {
    const network = new Network(`${PREFIX}-${process.pid}`, plans);
    try {
      await network.#switches();
      await Promise.all(plans.map((plan) => network.#connect(plan)));
    } catch (error) {
      await network.remove();
      throw error;
    }
    return network;
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (!host) throw new Error(`no host ${name} in the lab`);
    return host;
  }

  /** Pulls or plugs a cable at the switch: the host sees its carrier go or come. */
  async cable(host: Host, name: string, state: 'up' | 'down'): Promise<void> {
    await run(['ip', '-n', this.#switch, 'link', 'set', portOf(host.name, name), state]);
  }

  /** Takes a host out of its networks, or back into them, without its noticing: its carrier stays. */
  async isolate(name: string, isolated: boolean): Promise<void> {
    const cables = this.#plans.find((plan) => plan.name === name)?.cables ?? [];
    await ip(
      this.#switch,
      cables.map((cable) => `link set ${portOf(name, cable.interface)} ${isolated ? 'nomaster' : `master ${cable.network}`}`),
    );
  }

  async remove(): Promise<void> {
    await removeNamespaces(this.#prefix);
  }

  async #switches(): Promise<void> {
    await addNamespace(this.#switch, ['net/ipv6/conf/default/disable_ipv6=1']);
    const bridges = SWITCHES.flatMap((name) => [
      `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${name} up`,
    ]);
    await ip(this.#switch, bridges);
  }

  async #connect(plan: Plan): Promise<void> {
    const { namespace } = this.host(plan.name);
    await addNamespace(namespace, hostSettings(plan));
    await ip(
      this.#switch,
      plan.cables.flatMap((cable) => plugIn(plan.name, namespace, cable)),
    );
    await ip(namespace, ['link set lo up', ...plan.cables.flatMap(addressing)]);
    await ip(
      namespace,
      plan.gateways.map((gateway) => `route add default via ${gateway}`),
    );
  }
}

/** Local TCP stacks hand veth super-packets and unfinished checksums, wires do not; `off` makes the hosts send what wires carry. */
export async function setOffloads(hosts: readonly Host[], state: 'on' | 'off'): Promise<void> {
  for (const host of hosts) {
    for (const name of host.interfaces) {
      await run(['ethtool', '-K', name, 'tx', state, 'gso', state, 'tso', state], { namespace: host.namespace });
    }
  }
}

/** Removes what labs left behind that were killed before they could clean up. */
export async function sweep(runRoot: string): Promise<void> {
  const names = [...(await namespaces()), ...readdirSync(runRoot)];
  const found = new Set(names.map((name) => new RegExp(`^${PREFIX}-(\\d+)(-|$)`).exec(name)?.[1]).filter((pid) => pid !== undefined));
  for (const pid of [...found].filter((pid) => !alive(Number(pid)))) {
    await removeNamespaces(`${PREFIX}-${pid}`);
    rmSync(runDirectory(runRoot, Number(pid)), { recursive: true, force: true });
  }
}

export function runDirectory(runRoot: string, pid: number): string {
  return `${runRoot}/${PREFIX}-${pid}`;
}

function hostOf(plan: Plan, prefix: string): Host {
  return {
    name: plan.name,
    namespace: `${prefix}-${plan.name}`,
    interfaces: plan.cables.map((cable) => cable.interface),
    addressed: plan.cables.map(nameOf),
  };
}

function portOf(host: string, name: string): string {
  return `${host}-${name}`;
}

// Forwarding is on in the routers because their owners switch it on: what must not be routed by the kernel is natlb's business.
function hostSettings(plan: Plan): string[] {
  const forwards = plan.forwards ? 1 : 0;
  return [
    `net/ipv4/ip_forward=${forwards}`,
    `net/ipv6/conf/all/forwarding=${forwards}`,
    // No duplicate address detection: nothing in the lab should wait for it.
    'net/ipv6/conf/default/accept_dad=0',
    'net/ipv6/conf/default/accept_ra=0',
    'net/ipv4/conf/default/rp_filter=0',
    'net/ipv4/conf/all/rp_filter=0',
  ];
}

// One queue at each end: native XDP is refused on a veth end that has fewer receive queues than its peer has transmit queues.
function plugIn(host: string, namespace: string, cable: Cable): string[] {
  const port = portOf(host, cable.interface);
  const queues = 'numtxqueues 1 numrxqueues 1';
  return [
    `link add ${port} ${queues} type veth peer name ${cable.interface} netns ${namespace} ${queues}`,
    `link set ${port} master ${cable.network} up`,
  ];
}

function addressing(cable: Cable): string[] {
  const { interface: link, vlan, addresses } = cable;
  const name = nameOf(cable);
  const added = addresses.map((address) => `address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
  const tagged = vlan === undefined ? [] : [`link add link ${link} name ${name} type vlan id ${vlan}`];
  return [...tagged, ...added, `link set ${link} up`, ...tagged.map(() => `link set ${name} up`)];
}

/** Of the interface that has the addresses. */
function nameOf({ interface: link, vlan }: Cable): string {
  return vlan === undefined ? link : `${link}.${vlan}`;
}

async function addNamespace(name: string, settings: readonly string[]): Promise<void> {
  await run(['ip', 'netns', 'add', name]);
  const writes = settings.map((setting) => `echo ${setting.split('=')[1]} > /proc/sys/${setting.split('=')[0]}`);
  await run(['sh', '-ec', writes.join('\n')], { namespace: name });
}

export async function ip(namespace: string, commands: readonly string[]): Promise<void> {
  await run(['ip', '-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

async function namespaces(): Promise<string[]> {
  const listing = await run(['ip', 'netns', 'list']);
  return listing.split('\n').map((line) => line.split(' ')[0] ?? '');
}

/** Ends whatever still runs in the namespaces (ours alone can), then removes them; the veth pairs go with them. */
async function removeNamespaces(prefix: string): Promise<void> {
  for (const namespace of (await namespaces()).filter((name) => name.startsWith(`${prefix}-`))) {
    for (const pid of await programsIn(namespace)) {
      if (alive(pid)) process.kill(pid, 'SIGKILL');
    }
    await attempt(['ip', 'netns', 'delete', namespace]);
  }
}

/** The processes that live in a namespace. */
export async function programsIn(namespace: string): Promise<number[]> {
  const { stdout } = await attempt(['ip', 'netns', 'pids', namespace]);
  return stdout.split('\n').filter(Boolean).map(Number);
}
