// Capture files, so that packets can go in from tcpdump and come out for Wireshark.
#include "io/pcap.h"

#include <pcap/pcap.h>

#include <stdexcept>

namespace natlb {
namespace {

constexpr int kLongestFrame = 262144;

struct Closer {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, Closer>;

[[noreturn]] void fail(const std::string& doing, const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot " + doing + " capture file " + path + ": " + why);
}

}  // namespace

std::vector<CapturedFrame> read_capture(const std::string& path) {
  char why[PCAP_ERRBUF_SIZE] = "";
  const Handle file{pcap_open_offline(path.c_str(), why)};
  if (!file) fail("open", path, why);
  if (pcap_datalink(file.get()) != DLT_EN10MB) fail("use", path, "it does not hold Ethernet frames");
  std::vector<CapturedFrame> frames;
  pcap_pkthdr* header;
  const u_char* bytes;
  int result;
  while ((result = pcap_next_ex(file.get(), &header, &bytes)) == 1) {
    const auto time = std::chrono::seconds{header->ts.tv_sec} + std::chrono::microseconds{header->ts.tv_usec};
    frames.push_back({time, {bytes, bytes + header->caplen}});
  }
  if (result == PCAP_ERROR) fail("read", path, pcap_geterr(file.get()));
  return frames;
}

CaptureWriter::CaptureWriter(const std::string& path) : path_{path} {
  Handle format{pcap_open_dead(DLT_EN10MB, kLongestFrame)};
  file_ = pcap_dump_open(format.get(), path.c_str());
  if (!file_) fail("create", path, pcap_geterr(format.get()));
  format_ = format.release();
}

CaptureWriter::~CaptureWriter() {
  pcap_dump_close(file_);
  pcap_close(format_);
}

void CaptureWriter::write(std::chrono::microseconds time, std::span<const uint8_t> frame) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  pcap_pkthdr header{};
  header.ts = {seconds.count(), (time - seconds).count()};
  header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
  pcap_dump(reinterpret_cast<u_char*>(file_), &header, frame.data());
}

void CaptureWriter::flush() {
  if (pcap_dump_flush(file_) != 0) fail("write", path_, "the disk may be full");
}

}  // namespace natlb
