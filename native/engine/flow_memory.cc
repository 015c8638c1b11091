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

bool is_memory(const struct statfs& about) { return about.f_type == TMPFS_MAGIC || about.f_type == HUGETLBFS_MAGIC; }

// Touching a page that the file system has no room for would kill the process (SIGBUS), however long after this. Without a limit it says 0.
bool has_room(const struct statfs& about, const struct stat& file, size_t bytes) {
  constexpr uint64_t kStatBlock = 512;
  const uint64_t room = about.f_bavail * static_cast<uint64_t>(about.f_bsize) + static_cast<uint64_t>(file.st_blocks) * kStatBlock;
  return about.f_blocks == 0 || room >= bytes;
}

// Two processes on one block would destroy it, so the file is locked as long as it is mapped (the descriptor stays open).
FileDescriptor open_locked(const std::string& file, size_t bytes) {
  const int fd = check(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open flow table " + file);
  FileDescriptor owned{fd};
  struct statfs system {};
  check(::fstatfs(fd, &system), "inspect the file system of flow table " + file);
  if (!is_memory(system)) return {};
  check(::flock(fd, LOCK_EX | LOCK_NB), "lock flow table " + file + " (is another data plane running?)");
  struct stat about {};
  check(::fstat(fd, &about), "inspect flow table " + file);
  if (!has_room(system, about, bytes)) return {};
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
