// Decides which frames are natlb's: steer_xdp hands those to AF_XDP sockets, steer_packet lets only those into an AF_PACKET socket, and
// steer_guard keeps from the kernel what the guard (nftables) cannot tell. Everything else stays with the kernel. One rule, `claim`, serves
// all three.
#include <linux/pkt_cls.h>

#include "frame.h"

#define HAS(map, key) (bpf_map_lookup_elem(&(map), (key)) != NULL)

enum claim {
  kKernels,
  kOurs,
  kOursByFlow,  // only the live flows say so
};

INLINE bool is_in_ranges(const struct endpoint* to) {
  const struct endpoint key = {to->address, 0, to->protocol, {}};
  const struct ranges* ranges = bpf_map_lookup_elem(&service_ranges, &key);
  const __u16 port = bpf_ntohs(to->port);
  if (!ranges) return false;
  for (__u32 i = 0; i < RANGES && i < ranges->count; ++i) {
    if (port >= ranges->all[i].first && port <= ranges->all[i].last) return true;
  }
  return false;
}

INLINE bool counts(__u32 at) {
  const __u32 key = at / LINE;
  const struct line* line = bpf_map_lookup_elem(&live_flows, &key);
  return line && line->counters[at % LINE] != 0;
}

INLINE bool is_live(const struct settings* settings, const struct address* remote, const struct endpoint* local) {
  const struct natlb_live_key key = {
      {remote->words[0], remote->words[1]}, {local->address.words[0], local->address.words[1]}, local->port, local->protocol};
  const __u64 hash = natlb_live_hash(&key, settings->live_secret);
  return counts(natlb_live_first(hash)) && counts(natlb_live_second(hash));
}

// A client on a port that no service has, or a destination from a port that could as well be its own.
INLINE bool is_of_live_flow(const struct endpoint* from, const struct endpoint* to) {
  const __u32 only = 0;
  const struct settings* current = bpf_map_lookup_elem(&settings, &only);
  if (!current || !current->asks_live_flows) return false;
  if (HAS(service_addresses, &to->address)) return is_live(current, &from->address, to);
  return HAS(destination_addresses, &from->address) && !HAS(locals, &to->address) && is_live(current, &to->address, from);
}

// The rule. Who asks a service, or who answers for a destination to somebody beyond this host.
INLINE enum claim claim_by_endpoint(const struct endpoint* from, const struct endpoint* to) {
  if (HAS(services, to) || is_in_ranges(to)) return kOurs;
  if (HAS(destinations, from) && !HAS(locals, &to->address)) return kOurs;
  return is_of_live_flow(from, to) ? kOursByFlow : kKernels;
}

INLINE enum claim claim_by_address(const struct address* from, const struct address* to) {
  if (HAS(service_addresses, to)) return kOurs;
  return HAS(destination_addresses, from) && !HAS(locals, to) ? kOurs : kKernels;
}

INLINE bool is_balanced(__u8 protocol) { return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP; }

// `back`: the packet stands quoted in an ICMP error, which travels the other way.
INLINE enum claim claim_by_packet(const struct frame* frame, const struct packet* packet, bool back) {
  if (!is_balanced(packet->protocol)) return kKernels;
  if (packet->fragment) {
    return back ? claim_by_address(&packet->to, &packet->from) : claim_by_address(&packet->from, &packet->to);
  }
  __u16 ports[2];
  if (!load(frame, packet->l4, ports, sizeof ports)) return kKernels;
  const struct endpoint from = {packet->from, ports[0], packet->protocol, {}};
  const struct endpoint to = {packet->to, ports[1], packet->protocol, {}};
  return back ? claim_by_endpoint(&to, &from) : claim_by_endpoint(&from, &to);
}

// Unreachable, source quench, time exceeded, parameter problem; for IPv6 also too big.
INLINE bool is_icmp_error(__u8 type, bool v4) { return v4 ? type == 3 || type == 4 || type == 11 || type == 12 : type >= 1 && type <= 4; }

INLINE enum claim claim_by_quote(const struct frame* frame, const struct packet* packet, bool v4) {
  __u8 type;
  struct packet quoted;
  if (packet->fragment || !load(frame, packet->l4, &type, sizeof type) || !is_icmp_error(type, v4)) return kKernels;
  return parse(frame, packet->l4 + 8, v4, &quoted) ? claim_by_packet(frame, &quoted, true) : kKernels;
}

INLINE enum claim claim(const struct frame* frame, const struct link* link) {
  struct packet packet;
  const bool v4 = link->ethertype == bpf_htons(ETH_P_IP);
  if (!v4 && link->ethertype != bpf_htons(ETH_P_IPV6)) return kKernels;
  if (!parse(frame, link->l3, v4, &packet)) return kKernels;
  if (packet.protocol == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) return claim_by_quote(frame, &packet, v4);
  return claim_by_packet(frame, &packet, false);
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

INLINE bool is_macvlan(const __u8* mac) {
  struct mac key = {};
  __builtin_memcpy(key.bytes, mac, ETH_ALEN);
  return HAS(virtual_macs, &key);
}

// The interface the frame came to, VLAN or not; null when it is none of ours. A promiscuous NIC also brings what is meant for other hosts:
// another router may be answering it.
INLINE const struct interface* find_interface(const struct link* link) {
  const struct interface* interface = bpf_map_lookup_elem(&interfaces, &link->interface);
  if (!interface) return NULL;
  return is_same(link->to, interface->mac) || is_virtual_router(link->to) || is_macvlan(link->to) ? interface : NULL;
}

INLINE enum claim claim_skb(struct __sk_buff* skb) {
  const struct frame frame = {skb, NULL, NULL};
  struct link link;
  if (!read_link(&frame, skb->ifindex, &link) || !find_interface(&link)) return kKernels;
  return claim(&frame, &link);
}

SEC("xdp")
int steer_xdp(struct xdp_md* context) {
  const __u32 queue = context->rx_queue_index;
  const struct frame frame = {NULL, (const void*)(long)context->data, (const void*)(long)context->data_end};
  struct link link;
  if (queue >= QUEUES || !read_link(&frame, context->ingress_ifindex, &link)) return XDP_PASS;
  const struct interface* interface = find_interface(&link);
  if (!interface || claim(&frame, &link) == kKernels) return XDP_PASS;
  return bpf_redirect_map(&sockets, interface->slot * QUEUES + queue, XDP_PASS);
}

// Returns how many bytes the socket takes.
SEC("socket")
int steer_packet(struct __sk_buff* skb) { return claim_skb(skb) == kKernels ? 0 : 0x7fffffff; }

// Behind the packet sockets and before the kernel's own stack, which must not see these even when no data plane runs: so it stays attached
// when its process dies, and with it the maps it goes by.
SEC("tc")
int steer_guard(struct __sk_buff* skb) { return claim_skb(skb) == kOursByFlow ? TC_ACT_SHOT : TC_ACT_UNSPEC; }

char LICENSE[] SEC("license") = "Dual MIT/GPL";
