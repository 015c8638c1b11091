// Where a worker's block lives: in a file on tmpfs, so that the next process goes on with its flows; without one, in memory of its own.
#pragma once

#include <cstddef>
#include <string>

#include "io/owned.h"

namespace natlb {

class FlowMemory {
 public:
  // `file` empty, or on a file system that is no tmpfs or hugetlbfs or has not room for all: memory that ends with the process, and
  // `lasting` is false.
  FlowMemory(const std::string& file, size_t bytes);
  FlowMemory(const FlowMemory&) = delete;
  FlowMemory& operator=(const FlowMemory&) = delete;
  ~FlowMemory();

  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] bool lasting() const noexcept { return file_.get() >= 0; }

 private:
  void* data_ = nullptr;
  size_t bytes_;
  FileDescriptor file_;
};

}  // namespace natlb
