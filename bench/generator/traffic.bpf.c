// Programs of the namespace benchmark: `generate` (XDP) fills a live frame and redirects it, `sink` (tc) counts what arrives and keeps
// samples. See bpf_prog_test_run and BPF_F_TEST_XDP_LIVE_FRAMES in the kernel's Documentation/bpf/bpf_prog_run.rst.

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

const volatile struct plan plan;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kCounts);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kSamples);
  __type(key, __u32);
  __type(value, struct frame);
} samples SEC(".maps");

static __always_inline __u64 count(__u32 which) {
  __u64* counter = bpf_map_lookup_elem(&counts, &which);
  return counter ? ++*counter : 0;
}

static __always_inline __u16 fold(__u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)~sum;
}

static __always_inline __u32 words(__u32 value) { return (value & 0xffff) + (value >> 16); }

static __always_inline void write_ip(struct frame* frame, __u32 source) {
  const __u16 length = bpf_htons(sizeof *frame - sizeof frame->ethernet);
  frame->ip.version = 4;
  frame->ip.ihl = 5;
  frame->ip.tos = 0;
  frame->ip.tot_len = length;
  frame->ip.id = 0;
  frame->ip.frag_off = bpf_htons(0x4000);
  frame->ip.ttl = kTtl;
  frame->ip.protocol = IPPROTO_UDP;
  frame->ip.saddr = source;
  frame->ip.daddr = plan.service_address;
  frame->ip.check = fold(bpf_htons(0x4500) + length + bpf_htons(0x4000) + bpf_htons(kTtl << 8 | IPPROTO_UDP) + words(source) +
                         words(plan.service_address));
}

static __always_inline void write_udp(struct frame* frame, __u32 source, __u32 flow) {
  const __u16 length = bpf_htons(sizeof *frame - sizeof frame->ethernet - sizeof frame->ip);
  const __u16 port = bpf_htons(client_port(flow));
  frame->udp.source = port;
  frame->udp.dest = plan.service_port;
  frame->udp.len = length;
  frame->flow = bpf_htonl(flow);
  __builtin_memset(frame->padding, 0, sizeof frame->padding);
  const __u16 check = fold(words(source) + words(plan.service_address) + bpf_htons(IPPROTO_UDP) + length + port + plan.service_port +
                           length + words(frame->flow));
  frame->udp.check = check ? check : 0xffff;
}

// Pages come back as the router left them, so every byte of the header is written every time.
SEC("xdp")
int generate(struct xdp_md* context) {
  struct frame* frame = (void*)(long)context->data;
  if ((void*)(frame + 1) > (void*)(long)context->data_end) return XDP_ABORTED;
  const __u32 flow = bpf_get_prandom_u32() % (plan.flows ? plan.flows : 1);
  const __u32 source = bpf_htonl(client_address(&plan, flow));
  for (int i = 0; i < ETH_ALEN; i++) {
    frame->ethernet.h_dest[i] = plan.target_mac[i];
    frame->ethernet.h_source[i] = plan.source_mac[i];
  }
  frame->ethernet.h_proto = bpf_htons(ETH_P_IP);
  write_ip(frame, source);
  write_udp(frame, source, flow);
  count(kOffered);
  return bpf_redirect(plan.interface, 0);
}

static __always_inline int is_ours(const struct frame* frame) {
  return frame->ethernet.h_proto == bpf_htons(ETH_P_IP) && frame->ip.protocol == IPPROTO_UDP &&
         (bpf_ntohl(frame->ip.saddr) & 0xffff0000) == plan.client_base;
}

// At tc's ingress, where every router's packets arrive as socket buffers: an XDP sink would copy those of a userspace router once more, and
// not those the kernel passes on. What is not of the benchmark (ARP, neighbour discovery) goes on to the kernel.
SEC("tc")
int sink(struct __sk_buff* packet) {
  const struct frame* frame = (void*)(long)packet->data;
  if ((void*)(frame + 1) > (void*)(long)packet->data_end || !is_ours(frame)) return TC_ACT_OK;
  const __u64 number = count(kReceived);
  if (number % kSampleEvery == 0) {
    __u32 slot = (__u32)(number / kSampleEvery) % kSamples;
    bpf_map_update_elem(&samples, &slot, frame, BPF_ANY);
  }
  return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
