// What the steering programs go by; io/steering.cc fills these maps, the worker the live flows.
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "core/live_hash.h"

// Room in the XSKMAP for each device's interface, and for interfaces with their VLANs; io/steering.cc counts the same way.
#define QUEUES 64
#define SLOTS 16
#define INTERFACES 8192
#define RANGES 16

// Everything in network order; IPv4 addresses as ::ffff:a.b.c.d, like core/address.h.
struct address {
  __u64 words[2];
};

struct endpoint {
  struct address address;
  __u16 port;
  __u8 protocol;
  __u8 zero[5];
};

// Ports from `first` to `last`, in host order.
struct ranges {
  __u32 count;
  struct {
    __u16 first, last;
  } all[RANGES];
};

// VLAN tags as protocol << 16 | number, 0 = none (core/vlan.h).
struct interface_key {
  __u32 ifindex;  // of the device's interface, below all VLANs
  __u32 outer, inner;
};

struct interface {
  __u32 slot;
  __u8 mac[ETH_ALEN];
  __u8 zero[2];
};

// Not preallocated: 37 000 destinations take what they need, three take nothing.
#define TABLE(name, key_type, value_type, size) \
  struct {                                      \
    __uint(type, BPF_MAP_TYPE_HASH);            \
    __uint(map_flags, BPF_F_NO_PREALLOC);       \
    __uint(max_entries, size);                  \
    __type(key, key_type);                      \
    __type(value, value_type);                  \
  } name SEC(".maps")

TABLE(services, struct endpoint, __u8, 65536);
// Services on several ports, asked where no service has just this one; `port` is 0.
TABLE(service_ranges, struct endpoint, struct ranges, 16384);
TABLE(destinations, struct endpoint, __u8, 262144);
TABLE(locals, struct address, __u8, 16384);
// Fragments carry no ports, so they are told by their addresses.
TABLE(service_addresses, struct address, __u8, 65536);
TABLE(destination_addresses, struct address, __u8, 262144);
TABLE(interfaces, struct interface_key, struct interface, INTERFACES);
// MACs that interfaces of ours have beside their own: those of macvlans.
struct mac {
  __u8 bytes[ETH_ALEN];
  __u8 zero[2];
};
TABLE(virtual_macs, struct mac, __u8, INTERFACES);

struct settings {
  __u64 live_secret;
  __u8 asks_live_flows;  // the filter is in use
  __u8 zero[7];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct settings);
} settings SEC(".maps");

// An array's values are rounded up to eight bytes, so a value holds many counters.
#define LINE 64
struct line {
  __u8 counters[LINE];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, NATLB_LIVE_COUNTERS / LINE);
  __type(key, __u32);
  __type(value, struct line);
} live_flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, SLOTS* QUEUES);
  __type(key, __u32);  // slot * QUEUES + queue
  __type(value, __u32);
} sockets SEC(".maps");
