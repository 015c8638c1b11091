/* The frame of the benchmark and what varies in it, shared by the XDP programs (traffic.bpf.c) and the process that drives them
 * (traffic.cc). */
#pragma once

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <linux/udp.h>

/* 60 bytes: the least Ethernet allows, without the frame check sequence. All numbers in network order unless a name says otherwise. */
struct frame {
  struct ethhdr ethernet;
  struct iphdr ip;
  struct udphdr udp;
  __u32 flow;
  __u8 padding[14];
} __attribute__((packed));

struct plan {
  __u32 interface;   /* where generated frames leave, an ifindex */
  __u32 flows;       /* host order */
  __u32 client_base; /* the first client address, host order; its low 16 bits are zero */
  __u32 service_address;
  __u16 service_port;
  __u8 source_mac[ETH_ALEN];
  __u8 target_mac[ETH_ALEN];
};

/* What is counted. */
enum { kOffered, kReceived, kCounts };

enum { kFirstPort = 1024, kSampleEvery = 1024, kSamples = 512, kTtl = 64 };

/* Flow number → client: 65 536 addresses, then the next port. */
static inline __u32 client_address(const volatile struct plan* plan, __u32 flow) { return plan->client_base + (flow & 0xffff); }
static inline __u16 client_port(__u32 flow) { return (__u16)(kFirstPort + (flow >> 16)); }
