// What the kernel lends and wants back: file descriptors and mappings, closed when their owner goes. And how a failed call is reported.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace natlb {

// For system calls: `doing` completes the sentence "cannot …".
inline int check(int result, const std::string& doing) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), "cannot " + doing);
  return result;
}

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_{fd} {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

class Mapping {
 public:
  // Anonymous memory for fd -1, else what the descriptor offers at offset 0.
  Mapping(size_t size, int fd, const std::string& doing) : size_{size} {
    const int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | (fd < 0 ? 0 : MAP_POPULATE);
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (address == MAP_FAILED) check(-1, doing);
    address_ = static_cast<uint8_t*>(address);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(address_, size_); }

  [[nodiscard]] uint8_t* data() const noexcept { return address_; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] bool holds(const void* place) const noexcept {
    const auto* byte = static_cast<const uint8_t*>(place);
    return byte >= address_ && byte < address_ + size_;
  }

 private:
  uint8_t* address_;
  size_t size_;
};

}  // namespace natlb
