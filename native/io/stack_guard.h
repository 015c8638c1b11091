// Keeps from the kernel's own stack what only the live flows tell: a program at tc ingress, which outlives its process. tc-bpf(8).
#pragma once

#include <cstdint>
#include <string>

namespace natlb {

class StackGuard {
 public:
  explicit StackGuard(uint32_t index) : index_{index} {}

  // Puts the program on the interface, in place of that of a process before. An interface that has gone needs none. Throws
  // std::system_error.
  void attach(int program, const std::string& interface);
  // Takes away the program, whoever put it there, and the queueing discipline it hangs on unless that was there without us or serves
  // others.
  void detach() noexcept;

 private:
  void find_predecessor() noexcept;

  uint32_t index_;
  bool known_ = false;  // it has been found out whose the clsact is
  bool made_ = false;   // it is ours, or of a natlb before us
};

}  // namespace natlb
