// Maps the block. The file is sparse: only what flows have touched costs memory.
#include "engine/flow_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace natlb {

namespace {

bool is_memory(int fd) {
  struct statfs about {};
  return fstatfs(fd, &about) == 0 && (about.f_type == TMPFS_MAGIC || about.f_type == HUGETLBFS_MAGIC);
}

// Two processes on one block would destroy it, so the file is locked as long as it is mapped (the descriptor stays open).
FileDescriptor open_locked(const std::string& file, size_t bytes) {
  const int fd = check(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open flow table " + file);
  FileDescriptor owned{fd};
  if (!is_memory(fd)) return {};
  check(::flock(fd, LOCK_EX | LOCK_NB), "lock flow table " + file + " (is another data plane running?)");
  struct stat about {};
  check(::fstat(fd, &about), "inspect flow table " + file);
  if (static_cast<size_t>(about.st_size) != bytes) {
    check(::ftruncate(fd, 0), "empty flow table " + file);
    check(::ftruncate(fd, static_cast<off_t>(bytes)), "size flow table " + file);
  }
  return owned;
}

}  // namespace

FlowMemory::FlowMemory(const std::string& file, size_t bytes) : bytes_{bytes} {
  if (!file.empty()) file_ = open_locked(file, bytes);
  const int flags = !lasting() ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_NORESERVE;
  data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file_.get(), 0);
  if (data_ == MAP_FAILED) check(-1, "map " + std::to_string(bytes >> 20) + " MB for the flow table");
  ::madvise(data_, bytes, MADV_HUGEPAGE);  // a wish: fewer TLB misses where the kernel grants it
}

FlowMemory::~FlowMemory() { ::munmap(data_, bytes_); }

}  // namespace natlb
