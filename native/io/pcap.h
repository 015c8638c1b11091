// Capture files, so that packets can go in from tcpdump and come out for Wireshark.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct pcap;
struct pcap_dumper;

namespace natlb {

struct CapturedFrame {
  std::chrono::microseconds time;  // since the epoch, as the file says
  std::vector<uint8_t> bytes;
};

// All frames of a pcap or pcapng file of Ethernet; throws std::runtime_error naming the file.
std::vector<CapturedFrame> read_capture(const std::string& path);

class CaptureWriter {
 public:
  explicit CaptureWriter(const std::string& path);
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  void write(std::chrono::microseconds time, std::span<const uint8_t> frame);
  // Everything written so far is in the file afterwards.
  void flush();

 private:
  std::string path_;
  pcap* format_;
  pcap_dumper* file_;
};

}  // namespace natlb
