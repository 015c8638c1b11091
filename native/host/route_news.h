// Whether anything happened to routes and rules with a mark of ours (their protocol), or may have.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

struct mnl_socket;

namespace natlb {

class OwnRouteNews {
 public:
  // `buffer_bytes` is how much news the kernel keeps until it is heard; 0 = its default.
  OwnRouteNews(uint8_t protocol, int buffer_bytes);
  [[nodiscard]] int fd() const noexcept;
  // Takes in what has come, without waiting. True: look at them again.
  bool drain();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const noexcept;
  };
  uint8_t protocol_;
  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<uint8_t> buffer_;
};

}  // namespace natlb
