// Decides which frames are natlb's: steer_xdp hands those to AF_XDP sockets, steer_packet lets only those into an AF_PACKET socket.
// Everything else stays with the kernel. One rule, `ours`, serves both programs; io/steering.cc fills the maps.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef _Bool bool;
enum { false, true };

#define INLINE static __attribute__((always_inline)) inline

// Room in the XSKMAP for each interface; io/steering.cc counts the same way.
#define QUEUES 64
#define INTERFACES 16

// Everything in network order; IPv4 addresses as ::ffff:a.b.c.d, like core/address.h.
struct address {
  __u32 words[4];
};

struct endpoint {
  struct address address;
  __u16 port;
  __u8 protocol;
  __u8 zero;
};

struct interface {
  __u32 slot;
  __u8 mac[ETH_ALEN];
  __u8 zero[2];
};

// Not preallocated: 37 000 destinations take what they need, three take nothing.
#define SET(name, key_type, size)         \
  struct {                                \
    __uint(type, BPF_MAP_TYPE_HASH);      \
    __uint(map_flags, BPF_F_NO_PREALLOC); \
    __uint(max_entries, size);            \
    __type(key, key_type);                \
    __type(value, __u8);                  \
  } name SEC(".maps")

SET(services, struct endpoint, 65536);
SET(destinations, struct endpoint, 262144);
SET(locals, struct address, 16384);
// Fragments carry no ports, so they are told by their addresses.
SET(service_addresses, struct address, 65536);
SET(destination_addresses, struct address, 262144);

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, INTERFACES);
  __type(key, __u32);  // ifindex
  __type(value, struct interface);
} interfaces SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, INTERFACES* QUEUES);
  __type(key, __u32);  // slot * QUEUES + queue
  __type(value, __u32);
} sockets SEC(".maps");

// Where bytes come from: an skb by helper call, or (skb null, known at compile time) straight from an XDP frame.
struct frame {
  struct __sk_buff* skb;
  const void* data;
  const void* data_end;
};

struct packet {
  struct address from;
  struct address to;
  __u32 l4;
  __u8 protocol;
  bool fragment;
};

INLINE bool load(const struct frame* frame, __u32 offset, void* to, const __u32 length) {
  if (frame->skb) return bpf_skb_load_bytes(frame->skb, offset, to, length) == 0;
  if (offset > 0x3fff) return false;  // for the verifier, which wants a bound
  const void* from = frame->data + offset;
  if (from + length > frame->data_end) return false;
  __builtin_memcpy(to, from, length);
  return true;
}

#define HAS(map, key) (bpf_map_lookup_elem(&(map), (key)) != NULL)

// The rule. Who asks a service, or who answers for a destination to somebody beyond this host.
INLINE bool ours_by_endpoint(const struct endpoint* from, const struct endpoint* to) {
  if (HAS(services, to)) return true;
  return HAS(destinations, from) && !HAS(locals, &to->address);
}

INLINE bool ours_by_address(const struct address* from, const struct address* to) {
  if (HAS(service_addresses, to)) return true;
  return HAS(destination_addresses, from) && !HAS(locals, to);
}

INLINE struct address mapped(__u32 v4) { return (struct address){{0, 0, bpf_htonl(0xffff), v4}}; }

INLINE bool parse_v4(const struct frame* frame, __u32 offset, struct packet* packet) {
  struct iphdr ip;
  if (!load(frame, offset, &ip, sizeof ip) || ip.version != 4 || ip.ihl < 5) return false;
  packet->from = mapped(ip.saddr);
  packet->to = mapped(ip.daddr);
  packet->l4 = offset + ip.ihl * 4;
  packet->protocol = ip.protocol;
  packet->fragment = (ip.frag_off & bpf_htons(0x3fff)) != 0;
  return true;
}

// Steps over one extension header; false when there is none, or nothing readable behind it.
INLINE bool skip_extension(const struct frame* frame, struct packet* packet) {
  struct {
    __u8 next, length;
    __u16 fragment;  // only in the fragment header: offset, two reserved bits, more
  } header;
  const __u8 protocol = packet->protocol;
  const bool options = protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS;
  if (!options && protocol != IPPROTO_FRAGMENT) return false;
  if (!load(frame, packet->l4, &header, sizeof header)) return false;
  packet->protocol = header.next;
  packet->l4 += options ? (header.length + 1) * 8 : 8;
  packet->fragment = !options && (header.fragment & bpf_htons(0xfff9)) != 0;
  return !packet->fragment;
}

INLINE bool parse_v6(const struct frame* frame, __u32 offset, struct packet* packet) {
  struct ipv6hdr ip;
  if (!load(frame, offset, &ip, sizeof ip) || ip.version != 6) return false;
  __builtin_memcpy(&packet->from, &ip.saddr, sizeof packet->from);
  __builtin_memcpy(&packet->to, &ip.daddr, sizeof packet->to);
  packet->l4 = offset + sizeof ip;
  packet->protocol = ip.nexthdr;
  packet->fragment = false;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (!skip_extension(frame, packet)) break;
  }
  return true;
}

INLINE bool parse(const struct frame* frame, __u32 offset, bool v4, struct packet* packet) {
  return v4 ? parse_v4(frame, offset, packet) : parse_v6(frame, offset, packet);
}

// `back`: the packet stands quoted in an ICMP error, which travels the other way.
INLINE bool ours_by_packet(const struct frame* frame, const struct packet* packet, bool back) {
  if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP && packet->protocol != IPPROTO_SCTP) return false;
  if (packet->fragment) {
    return back ? ours_by_address(&packet->to, &packet->from) : ours_by_address(&packet->from, &packet->to);
  }
  __u16 ports[2];
  if (!load(frame, packet->l4, ports, sizeof ports)) return false;
  const struct endpoint from = {packet->from, ports[0], packet->protocol, 0};
  const struct endpoint to = {packet->to, ports[1], packet->protocol, 0};
  return back ? ours_by_endpoint(&to, &from) : ours_by_endpoint(&from, &to);
}

// Unreachable, source quench, time exceeded, parameter problem; for IPv6 also too big.
INLINE bool is_icmp_error(__u8 type, bool v4) { return v4 ? type == 3 || type == 4 || type == 11 || type == 12 : type >= 1 && type <= 4; }

INLINE bool ours_by_quote(const struct frame* frame, const struct packet* packet, bool v4) {
  __u8 type;
  struct packet quoted;
  if (packet->fragment || !load(frame, packet->l4, &type, sizeof type) || !is_icmp_error(type, v4)) return false;
  return parse(frame, packet->l4 + 8, v4, &quoted) && ours_by_packet(frame, &quoted, true);
}

INLINE bool ours(const struct frame* frame, __u16 ethertype) {
  struct packet packet;
  const bool v4 = ethertype == bpf_htons(ETH_P_IP);
  if (!v4 && ethertype != bpf_htons(ETH_P_IPV6)) return false;  // also what carries a VLAN tag
  if (!parse(frame, ETH_HLEN, v4, &packet)) return false;
  if (packet.protocol == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) return ours_by_quote(frame, &packet, v4);
  return ours_by_packet(frame, &packet, false);
}

// The virtual router MACs of RFC 9568 7.3, which a NIC may carry beside its own.
INLINE bool is_virtual_router(const __u8* mac) {
  return mac[0] == 0 && mac[1] == 0 && mac[2] == 0x5e && mac[3] == 0 && (mac[4] == 1 || mac[4] == 2);
}

INLINE bool is_same(const __u8* a, const __u8* b) {
  __u8 difference = 0;
#pragma unroll
  for (int i = 0; i < ETH_ALEN; ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

// A promiscuous NIC also brings what is meant for other hosts: another router may be answering it.
INLINE bool is_addressed_to(const __u8* mac, const struct interface* interface) {
  return is_same(mac, interface->mac) || is_virtual_router(mac);
}

SEC("xdp")
int steer_xdp(struct xdp_md* context) {
  const __u32 ifindex = context->ingress_ifindex;
  const __u32 queue = context->rx_queue_index;
  const struct frame frame = {NULL, (const void*)(long)context->data, (const void*)(long)context->data_end};
  const struct interface* interface = bpf_map_lookup_elem(&interfaces, &ifindex);
  struct ethhdr ethernet;
  if (!interface || queue >= QUEUES || !load(&frame, 0, &ethernet, sizeof ethernet)) return XDP_PASS;
  if (!is_addressed_to(ethernet.h_dest, interface) || !ours(&frame, ethernet.h_proto)) return XDP_PASS;
  return bpf_redirect_map(&sockets, interface->slot * QUEUES + queue, XDP_PASS);
}

// Returns how many bytes the socket takes. The kernel has moved an outer VLAN tag out of the frame already.
SEC("socket")
int steer_packet(struct __sk_buff* skb) {
  const struct frame frame = {skb, NULL, NULL};
  struct ethhdr ethernet;
  if (skb->vlan_present || !load(&frame, 0, &ethernet, sizeof ethernet)) return 0;
  if (skb->pkt_type != PACKET_HOST && !is_virtual_router(ethernet.h_dest)) return 0;
  return ours(&frame, ethernet.h_proto) ? 0x7fffffff : 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
