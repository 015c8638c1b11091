// The packet memory that all AF_XDP sockets of a worker share, and the pool of its frames that neither the kernel nor a packet uses now.
#include "io/umem.h"

namespace natlb {

Umem::Umem(uint32_t frames, uint32_t ring)
    : memory_{size_t{frames} * kFrameSize, -1, "have memory for AF_XDP frames"}, pool_(frames), pooled_{frames}, ring_{ring} {
  for (uint32_t i = 0; i < frames; ++i) pool_[i] = uint64_t{frames - 1 - i} * kFrameSize;
  const xsk_umem_config config{.fill_size = ring, .comp_size = ring, .frame_size = kFrameSize, .frame_headroom = 0, .flags = 0};
  const int result = xsk_umem__create(&handle_, memory_.data(), memory_.size(), &first_fill_, &first_completion_, &config);
  if (result < 0) throw std::system_error(-result, std::generic_category(), "cannot register memory for AF_XDP");
}

Umem::~Umem() { xsk_umem__delete(handle_); }

}  // namespace natlb
