// Capture files: what was written is read again, and what is no capture is refused by name.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "device_lab.h"
#include "io/pcap.h"

using namespace natlb;

namespace {

// A file that is gone when the test is.
struct Scratch {
  Scratch() { ::close(::mkstemp(path.data())); }
  ~Scratch() { ::unlink(path.c_str()); }
  std::string path = "/tmp/natlb-capture-XXXXXX";
};

}  // namespace

TEST_CASE("frames written to a capture file are read back with their times") {
  if (lab::mode() != "memory") return;
  const Scratch file;
  const std::vector<lab::Bytes> frames{lab::udp_frame(60, 1), lab::udp_frame(1514, 2), lab::Bytes(65549, 7)};
  {
    CaptureWriter writer{file.path};
    for (size_t i = 0; i < frames.size(); ++i) writer.write(std::chrono::microseconds{1'700'000'000'999'999 + i}, frames[i]);
    writer.flush();
    CHECK(read_capture(file.path).size() == 3);
  }
  const std::vector<CapturedFrame> read = read_capture(file.path);
  REQUIRE(read.size() == 3);
  for (size_t i = 0; i < frames.size(); ++i) {
    CHECK(read[i].bytes == frames[i]);
    CHECK(read[i].time.count() == 1'700'000'000'999'999 + static_cast<int64_t>(i));
  }
}

TEST_CASE("a file that is no capture, cut off or missing is refused by its name") {
  if (lab::mode() != "memory") return;
  const Scratch file;
  std::ofstream{file.path} << "this is not a capture file at all";
  CHECK_THROWS_AS(read_capture(file.path), std::runtime_error);
  { CaptureWriter{file.path}.write({}, lab::udp_frame(100)); }
  REQUIRE(::truncate(file.path.c_str(), 80) == 0);
  CHECK_THROWS_AS(read_capture(file.path), std::runtime_error);
  CHECK_THROWS_WITH_AS(read_capture("/nonexistent/x.pcap"), doctest::Contains("/nonexistent/x.pcap"), std::runtime_error);
  CHECK_THROWS_WITH_AS(CaptureWriter{"/nonexistent/x.pcap"}, doctest::Contains("/nonexistent/x.pcap"), std::runtime_error);
}
