// Reads a frame for the steering programs: its VLAN tags, addresses, protocol, and where the ports are.
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "maps.h"

typedef _Bool bool;
enum { false, true };

#define INLINE static __attribute__((always_inline)) inline

// Where bytes come from: an skb by helper call, or (skb null, known at compile time) straight from an XDP frame.
struct frame {
  struct __sk_buff* skb;
  const void* data;
  const void* data_end;
};

// What stands before the IP header.
struct link {
  __u8 to[ETH_ALEN];
  __u16 ethertype;
  __u32 l3;
  struct interface_key interface;
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

// A priority tag, with the number 0, is none.
INLINE void add_tag(struct link* link, __u16 protocol, __u16 control) {
  const __u32 number = control & 0xfff;
  if (number == 0) return;
  const __u32 tag = (__u32)bpf_ntohs(protocol) << 16 | number;
  if (link->interface.outer == 0) {
    link->interface.outer = tag;
  } else {
    link->interface.inner = tag;
  }
}

// Takes a tag that stands in the frame.
INLINE bool take_tag(const struct frame* frame, struct link* link) {
  struct {
    __u16 control, ethertype;
  } tag;
  if (link->ethertype != bpf_htons(ETH_P_8021Q) && link->ethertype != bpf_htons(ETH_P_8021AD)) return true;
  if (!load(frame, link->l3, &tag, sizeof tag)) return false;
  add_tag(link, link->ethertype, bpf_ntohs(tag.control));
  link->ethertype = tag.ethertype;
  link->l3 += sizeof tag;
  return true;
}

// At most two tags; the kernel has moved the outer one out of an skb. What stands behind a third is not IP.
INLINE bool read_link(const struct frame* frame, __u32 ifindex, struct link* link) {
  struct ethhdr ethernet;
  if (!load(frame, 0, &ethernet, sizeof ethernet)) return false;
  __builtin_memcpy(link->to, ethernet.h_dest, ETH_ALEN);
  link->ethertype = ethernet.h_proto;
  link->l3 = sizeof ethernet;
  link->interface = (struct interface_key){ifindex, 0, 0};
  const bool apart = frame->skb && frame->skb->vlan_present;
  if (apart) add_tag(link, frame->skb->vlan_proto, frame->skb->vlan_tci);
  return take_tag(frame, link) && (apart || take_tag(frame, link));
}

INLINE struct address mapped(__u32 v4) {
  const __u32 words[4] = {0, 0, bpf_htonl(0xffff), v4};
  struct address address;
  __builtin_memcpy(&address, words, sizeof address);
  return address;
}

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
