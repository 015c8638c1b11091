// What RFC 4787 (UDP), 5382 (TCP), 5508 (ICMP), 7857 (updates to all three) ask of a NAT and 9568 of a VRRP router, in our own words; read the RFC before a test.
// A row is proved by tests whose titles end in its id, `[4787-6 5382-5]`, or says why it does not bind natlb. Letters are those of the RFCs,
// numbers of 7857 its sections.

export interface Requirement {
  readonly id: string;
  readonly level: 'must' | 'must not' | 'should' | 'should not' | 'recommended' | 'may';
  readonly says: string;
  /** Why no test can prove it. */
  readonly exempt?: string;
}

export interface Document {
  readonly rfc: number;
  readonly title: string;
  readonly requirements: readonly Requirement[];
}

/** natlb translates the targets of what clients send to a service. These rows are about the other direction. */
const OUTBOUND = 'Source NAT, which natlb does not do.';

const UDP: Document = {
  rfc: 4787,
  title: 'UDP',
  requirements: [
    {
      id: '4787-1',
      level: 'must',
      says: 'One inside address and port keeps one outside address and port, whomever it talks to.',
      exempt: `${OUTBOUND} A service has one outside address and port by configuration, for every client.`,
    },
    {
      id: '4787-2',
      level: 'recommended',
      says: 'With several outside addresses an inside host keeps to one.',
      exempt: `${OUTBOUND} There is no pool: the outside address is the one the client asked.`,
    },
    {
      id: '4787-3',
      level: 'must not',
      says: 'No outside port is given to two inside endpoints at once.',
      exempt: `${OUTBOUND} No port is given out: many servers share a service's port because each client's flow tells them apart.`,
    },
    {
      id: '4787-3a',
      level: 'recommended',
      says: 'Ports below 1024 are mapped to ports below 1024, others to others.',
      exempt: `${OUTBOUND} Both ports of a service are configured.`,
    },
    {
      id: '4787-4',
      level: 'recommended',
      says: 'Even ports are mapped to even ports, odd to odd.',
      exempt: `${OUTBOUND} Both ports of a service are configured; services of many ports keep the client's.`,
    },
    { id: '4787-5', level: 'must not', says: 'A UDP mapping does not expire within two minutes.' },
    { id: '4787-5a', level: 'may', says: 'For well-known ports it may expire sooner.' },
    { id: '4787-5b', level: 'may', says: 'The time may be configurable.' },
    { id: '4787-5c', level: 'recommended', says: 'By default it is five minutes or more.' },
    { id: '4787-6', level: 'must', says: 'What comes from inside refreshes a mapping.' },
    { id: '4787-6a', level: 'may', says: 'What comes from outside may refresh it; here it does when it is forwarded, and else does not.' },
    {
      id: '4787-7',
      level: 'must',
      says: 'When the outside address changes by itself, it must not come to overlap with the inside.',
      exempt: `${OUTBOUND} The addresses of services are configured; natlb takes none from DHCP.`,
    },
    {
      id: '4787-8',
      level: 'recommended',
      says: 'Whoever may answer through a mapping is filtered by endpoint or by address.',
      exempt: `${OUTBOUND} A service is open to every client on purpose; a flow is that of one client address and port.`,
    },
    { id: '4787-9', level: 'must', says: 'An inside host reaches a service by its outside address.' },
    {
      id: '4787-9a',
      level: 'must',
      says: 'It then appears with its outside address and port.',
      exempt: `${OUTBOUND} A server sees the address of each client, outside or inside; that is what source translation would take away.`,
    },
    { id: '4787-10', level: 'should', says: 'Nothing looks into the payload of UDP.' },
    {
      id: '4787-10a',
      level: 'recommended',
      says: 'Each application helper for UDP can be switched off alone.',
      exempt: 'There is none to switch off (4787-10).',
    },
    { id: '4787-11', level: 'must', says: 'Load and conflicts do not change how packets are treated.' },
    { id: '4787-12', level: 'must not', says: 'An ICMP message does not end a mapping.' },
    { id: '4787-12a', level: 'should not', says: 'ICMP errors are not filtered by who sends them.' },
    { id: '4787-12b', level: 'recommended', says: 'Destination Unreachable passes.' },
    { id: '4787-13', level: 'must', says: 'What is too big and must not be fragmented is answered with the MTU it has to keep to.' },
    { id: '4787-13a', level: 'should', says: 'What may be fragmented is fragmented, and leaves in order.' },
    { id: '4787-14', level: 'must', says: 'Fragments are translated in whatever order they come.' },
    { id: '4787-14a', level: 'must not', says: 'A flood of fragments does no harm to unfragmented traffic.' },
  ],
};

const TCP: Document = {
  rfc: 5382,
  title: 'TCP',
  requirements: [
    {
      id: '5382-1',
      level: 'must',
      says: 'One inside address and port keeps one outside address and port, whomever it talks to.',
      exempt: `${OUTBOUND} A service has one outside address and port by configuration, for every client.`,
    },
    { id: '5382-2', level: 'must', says: 'Every valid sequence of TCP segments passes.' },
    { id: '5382-2a', level: 'must', says: 'So does simultaneous open.' },
    {
      id: '5382-3',
      level: 'recommended',
      says: 'Whoever may connect through a mapping is filtered by endpoint or by address.',
      exempt: `${OUTBOUND} A service is open to every client on purpose.`,
    },
    {
      id: '5382-3a',
      level: 'may',
      says: 'How it is filtered may be configurable.',
      exempt: `${OUTBOUND} Who may reach a service is said in the host's firewall, before natlb.`,
    },
    {
      id: '5382-3b',
      level: 'may',
      says: 'It may differ from UDP.',
      exempt: `${OUTBOUND} Neither is filtered.`,
    },
    {
      id: '5382-4',
      level: 'must not',
      says: 'A SYN from outside that nobody asked for is not answered for six seconds, in case an inside host is opening the same connection.',
      exempt: `${OUTBOUND} A SYN to a service is asked for; one to anything else is left to the host.`,
    },
    {
      id: '5382-4a',
      level: 'must',
      says: 'Unless policy says to drop it silently.',
      exempt: `${OUTBOUND} What to do without a destination is said per service (no_destination).`,
    },
    {
      id: '5382-5',
      level: 'must not',
      says: 'An established connection does not expire within 2 h 4 min of silence, a transitory one within 4 min.',
    },
    { id: '5382-5a', level: 'may', says: 'These times may be configurable.' },
    { id: '5382-6', level: 'recommended', says: 'Nothing but FTP has its payload looked into, and only where that is configured.' },
    {
      id: '5382-7',
      level: 'must not',
      says: 'No outside port is given to two inside endpoints at once.',
      exempt: `${OUTBOUND} No port is given out: many servers share a service's port because each client's flow tells them apart.`,
    },
    { id: '5382-8', level: 'must', says: 'An inside host reaches a service by its outside address.' },
    {
      id: '5382-8a',
      level: 'must',
      says: 'It then appears with its outside address and port.',
      exempt: `${OUTBOUND} A server sees the address of each client, outside or inside.`,
    },
    { id: '5382-9', level: 'should', says: 'ICMP Destination Unreachable about a connection is translated.' },
    { id: '5382-10', level: 'must not', says: 'No ICMP message ends a mapping or a connection.' },
  ],
};

const ICMP: Document = {
  rfc: 5508,
  title: 'ICMP',
  requirements: [
    {
      id: '5508-1',
      level: 'must',
      says: 'Inside hosts can ping outside ones.',
      exempt: `${OUTBOUND} ICMP questions are routed, or answered, by the host itself.`,
    },
    {
      id: '5508-1a',
      level: 'should',
      says: 'One query id keeps one outside id, whomever it asks.',
      exempt: `${OUTBOUND} Query ids are not translated.`,
    },
    {
      id: '5508-2',
      level: 'must not',
      says: 'The mapping of a query does not expire within sixty seconds.',
      exempt: `${OUTBOUND} There are no mappings of queries.`,
    },
    {
      id: '5508-2a',
      level: 'recommended',
      says: 'That time is configurable.',
      exempt: `${OUTBOUND} There are no mappings of queries.`,
    },
    { id: '5508-3', level: 'should', says: 'An ICMP error whose checksum is wrong is dropped silently.' },
    { id: '5508-3a', level: 'should', says: 'So is one that quotes a packet whose IP header checksum is wrong.' },
    { id: '5508-3b', level: 'must', says: 'IP options of the quoted packet are passed over to find its ports.' },
    { id: '5508-3c', level: 'should not', says: 'The quoted TCP or UDP checksum is not looked at.' },
    { id: '5508-3d', level: 'must', says: 'Extensions behind the quoted packet (RFC 4884) are not taken for a part of it.' },
    {
      id: '5508-4',
      level: 'must',
      says: 'An error from outside goes to the inside host it is about, quoting the packet as that host sent it; one about no mapping is dropped.',
    },
    {
      id: '5508-5',
      level: 'must',
      says: 'An error from inside goes out from the outside address, quoting the packet as the outside host sent it.',
    },
    { id: '5508-6', level: 'must not', says: 'An ICMP error neither refreshes nor deletes the mapping it is about.' },
    { id: '5508-7', level: 'must', says: 'Errors between an inside host and a service it reaches by its outside address pass too.' },
    { id: '5508-7a', level: 'must', says: 'They are addressed to the host that sent what they quote.' },
    {
      id: '5508-8',
      level: 'should',
      says: 'When there are no resources for another session the packet is dropped, and its sender told (ICMP 3/13).',
      exempt:
        'Not followed, on purpose: the table is full when it is flooded, mostly from forged addresses, and answers would use up what ICMP we may send (RFC 1812 4.3.2.8) when path MTU discovery needs it. Half-open flows give way, then the packet is dropped as flow_table_full.',
    },
    { id: '5508-9', level: 'may', says: 'Policy may keep ICMP errors from being made.' },
    { id: '5508-10a', level: 'must', says: 'Destination Unreachable and Time Exceeded are translated, and Echo is answered.' },
    { id: '5508-10b', level: 'may', says: 'Parameter Problem and other rarer messages may be.' },
    {
      id: '5508-10c',
      level: 'must',
      says: 'What RFC 1812 asks of routers about the other ICMP messages (10c to 10f) holds.',
      exempt:
        'Redirects, timestamps, address masks and router discovery are addressed to the router and never steered to natlb: the kernel answers.',
    },
    { id: '5508-11', level: 'may', says: 'Messages that are neither queries nor errors may be dropped.' },
  ],
};

const UPDATES: Document = {
  rfc: 7857,
  title: 'updates to all three',
  requirements: [
    {
      id: '7857-2',
      level: 'must',
      says: 'The state of a connection is tracked from both sides; opening and closing have times of their own.',
    },
    {
      id: '7857-2.2',
      level: 'must',
      says: 'A RST that fits the connection is translated and forwarded, and the mapping lives four minutes longer.',
    },
    {
      id: '7857-3',
      level: 'may',
      says: 'An outside port may serve several inside endpoints whose peers differ.',
      exempt: `${OUTBOUND} Every flow of a service shares its port so.`,
    },
    {
      id: '7857-4',
      level: 'should',
      says: 'An inside host keeps to one outside address even when that runs out of ports.',
      exempt: `${OUTBOUND} There is no pool of addresses.`,
    },
    {
      id: '7857-5',
      level: 'should',
      says: 'Mappings of one protocol do not depend on those of another.',
      exempt: `${OUTBOUND} Flows of TCP, UDP and SCTP never meet: the protocol is a part of their key.`,
    },
    {
      id: '7857-6',
      level: 'should',
      says: 'Nor does filtering.',
      exempt: `${OUTBOUND} Clients are not filtered.`,
    },
    { id: '7857-6.1', level: 'should not', says: 'ICMP errors and RST from inside do not refresh a mapping as traffic does.' },
    {
      id: '7857-7',
      level: 'may',
      says: 'Keeping ports even and odd may be switched off.',
      exempt: `${OUTBOUND} Ports are configured.`,
    },
    {
      id: '7857-8',
      level: 'should',
      says: 'Outside ports are hard to guess (RFC 6056).',
      exempt: `${OUTBOUND} No port is chosen: clients keep theirs and services have those they are configured with.`,
    },
    {
      id: '7857-9',
      level: 'should',
      says: 'IP identifications are rewritten where several hosts share one source (RFC 6864).',
      exempt: `${OUTBOUND} Servers behind one service are told apart by the flow, and each client by its own address; fragments of two servers to one client with one identification within a reassembly time remain possible, as with IPVS.`,
    },
    {
      id: '7857-10',
      level: 'should',
      says: 'Mappings of ICMP queries have a time of their own.',
      exempt: `${OUTBOUND} There are no mappings of queries.`,
    },
    {
      id: '7857-11',
      level: 'must',
      says: 'ICMP queries from inside to an outside address of the inside pass.',
      exempt: `${OUTBOUND} Who pings a service's address is answered by the host that holds it.`,
    },
  ],
};

const VRRP: Document = {
  rfc: 9568,
  title: 'VRRP',
  requirements: [
    { id: '9568-01', level: 'must', says: 'Adverts are protocol 112, go to 224.0.0.18 or ff02::12, and no router forwards them.' },
    { id: '9568-02', level: 'must', says: 'They leave with TTL or hop limit 255.' },
    { id: '9568-03', level: 'must', says: 'What comes with any other is discarded.' },
    { id: '9568-04', level: 'must', says: 'Their source is the primary IPv4 address of the interface, or its link-local IPv6 address.' },
    {
      id: '9568-05',
      level: 'must',
      says: 'Their source MAC address is that of the virtual router.',
      exempt:
        "Without `use_vmac` they leave from the interface's own MAC address, as keepalived's do: switches and clouds that bind addresses to ports expect it. With `use_vmac` they leave by a macvlan that has the virtual one.",
    },
    { id: '9568-06', level: 'must', says: 'Of another version they are discarded.' },
    { id: '9568-07', level: 'must', says: 'Of another type than advertisement they are discarded.' },
    { id: '9568-08', level: 'must', says: 'A virtual router id is 1 to 255 and belongs to its interface; others are discarded.' },
    { id: '9568-09', level: 'must', says: 'Priority 255 is the owner of the addresses, 1 to 254 are others, 0 means leaving.' },
    { id: '9568-10', level: 'must', says: 'There is at least one address.' },
    { id: '9568-11', level: 'must', says: 'The packet holds all that its header says.' },
    { id: '9568-12', level: 'must', says: 'Reserved bits are sent as zero and not looked at.' },
    { id: '9568-13', level: 'must', says: 'The interval is 1 to 4095 hundredths of a second; 0 is discarded (erratum 8301).' },
    { id: '9568-14', level: 'must', says: 'The checksum is verified: over IPv6 with a pseudo-header, over IPv4 in either form.' },
    { id: '9568-15', level: 'must', says: 'Over IPv6 the first address is link-local (erratum 8300).' },
    {
      id: '9568-16',
      level: 'should',
      says: 'An owner that hears adverts says so, and the election goes on (erratum 8298) or it ignores them.',
    },
    { id: '9568-17', level: 'must', says: 'Whatever fails a check is discarded, counted and logged, the log within bounds.' },
    { id: '9568-18', level: 'must', says: 'Skew time and master-down interval follow from priority and interval.' },
    { id: '9568-19', level: 'must', says: 'Who owns the addresses starts as master, everyone else as backup.' },
    { id: '9568-20', level: 'must not', says: 'A backup answers for no virtual address.' },
    {
      id: '9568-21',
      level: 'must',
      says: 'A backup drops frames to the virtual MAC address and accepts nothing for the virtual addresses.',
      exempt:
        'The addresses are on the interface of a master alone, and so is the macvlan up: the kernel has nothing to accept with. A service is served only while the host holds its address.',
    },
    { id: '9568-22', level: 'must', says: 'A backup whose master is dead advertises, announces every address, and is master.' },
    { id: '9568-23', level: 'must', says: 'A backup that hears priority 0 waits for the skew time only.' },
    {
      id: '9568-24',
      level: 'must',
      says: 'A backup follows a master of its own priority or above, or any without preemption, at its interval.',
    },
    { id: '9568-25', level: 'must', says: 'A backup that preempts ignores a lesser master.' },
    {
      id: '9568-26',
      level: 'must',
      says: 'A master answers for its addresses with the virtual MAC address only.',
      exempt: "As 9568-05: without `use_vmac` the MAC address is the interface's own, and gratuitous ARP moves the addresses.",
    },
    {
      id: '9568-27',
      level: 'must',
      says: 'A master forwards what is sent to the virtual MAC address.',
      exempt:
        'With `use_vmac` the kernel does, which has a macvlan with it; the steering program takes frames to it as those to the interface.',
    },
    {
      id: '9568-28',
      level: 'must',
      says: 'A master accepts packets to the addresses only as their owner or in accept mode.',
      exempt: 'Accepting is the default, as in keepalived: the services are on these addresses. `no_accept` leaves the host itself out.',
    },
    { id: '9568-29', level: 'must', says: 'A master advertises every interval.' },
    { id: '9568-30', level: 'must', says: 'A master that hears priority 0 advertises at once.' },
    { id: '9568-31', level: 'must', says: 'A master that hears a higher priority, or its own from a higher address, becomes backup.' },
    { id: '9568-32', level: 'must', says: 'A master that hears a lesser one advertises at once.' },
    { id: '9568-33', level: 'must', says: 'A master that is shut down sends priority 0; a backup nothing.' },
    { id: '9568-34', level: 'must', says: 'Announcements wait until the addresses are there.' },
    { id: '9568-35', level: 'may', says: 'Preempt delay, tracking and sync groups as keepalived has them.' },
    { id: '9568-36', level: 'must', says: 'Version 2: authentication types 0 and 1, its eight bytes, equal intervals.' },
    {
      id: '9568-37',
      level: 'may',
      says: 'One virtual router speaks versions 2 and 3 at once.',
      exempt: 'keepalived does not either; an instance has one version.',
    },
    {
      id: '9568-38',
      level: 'must',
      says: 'Between unicast peers, where the TTL proves nothing, peers, TTL ranges or auth_hmac say who is believed.',
    },
    { id: '9568-39', level: 'may', says: 'auth_hmac of keepalived 2.4.' },
    { id: '9568-40', level: 'must', says: 'A gratuitous ARP carries the virtual address as sender and target (errata 7947, 7949).' },
    {
      id: '9568-41',
      level: 'must not',
      says: 'The virtual MAC address makes no IPv6 interface identifier.',
      exempt: 'The addresses of a virtual router are configured, and its macvlan generates none (addrgenmode none).',
    },
    { id: '9568-42', level: 'must', says: 'Neighbour advertisements for the addresses have the router flag.' },
  ],
};

export const DOCUMENTS: readonly Document[] = [UDP, TCP, ICMP, UPDATES, VRRP];
