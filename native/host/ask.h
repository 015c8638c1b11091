// One rtnetlink request, put together by whoever asks, and everything the kernel says to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace natlb {

struct Answer {
  int error = 0;     // an errno; 0 = done
  std::string text;  // the kernel's words for the error, when it has some
  std::vector<std::vector<uint8_t>> messages;
};

// `request` is a whole message whose length is in its header; it must ask for an acknowledgement or for a dump. Throws std::system_error
// when the kernel cannot be asked at all.
Answer ask_kernel(std::vector<uint8_t> request);

}  // namespace natlb
