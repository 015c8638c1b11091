// Where the live-flow filter counts a flow: one text for the kernel's program (C, bpf/) and for the worker (C++, core/live_filter.h), which
// must agree to the bit. No multiplication wider than 64 bits, because BPF has none.
#pragma once

// Counters of one byte. Two of them stand for each flow: with 100 000 flows in the filter one of 460 strange packets is taken for ours,
// with 10 000 one of 44 000.
#define NATLB_LIVE_COUNTERS (1U << 22)

// All in network order, addresses as in core/address.h.
struct natlb_live_key {
  unsigned long long remote[2];  // the client
  unsigned long long local[2];   // the virtual address, or the destination
  unsigned short port;           // of `local`
  unsigned char protocol;
};

static inline unsigned long long natlb_live_mix(unsigned long long hash, unsigned long long word) {
  hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
  return hash ^ hash >> 32;
}

// Keyed, so that nobody outside knows which clients meet in one counter.
static inline unsigned long long natlb_live_hash(const struct natlb_live_key* key, unsigned long long secret) {
  unsigned long long hash = natlb_live_mix(secret, (unsigned long long)key->port << 8 | key->protocol);
  hash = natlb_live_mix(hash, key->remote[0]);
  hash = natlb_live_mix(hash, key->remote[1]);
  hash = natlb_live_mix(hash, key->local[0]);
  hash = natlb_live_mix(hash, key->local[1]);
  return natlb_live_mix(hash, secret);
}

static inline unsigned int natlb_live_first(unsigned long long hash) { return (unsigned int)hash & (NATLB_LIVE_COUNTERS - 1); }
static inline unsigned int natlb_live_second(unsigned long long hash) { return (unsigned int)(hash >> 40) & (NATLB_LIVE_COUNTERS - 1); }
