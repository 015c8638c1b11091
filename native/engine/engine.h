// The data plane of one machine: devices, worker, flow table, the mirror of the kernel's routes, and what of the traffic is steered here.
// Control's thread calls the public functions; packets never wait for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/explain.h"
#include "engine/flow_memory.h"
#include "engine/slot_directory.h"
#include "engine/worker.h"
#include "io/mirror.h"
#include "io/open_devices.h"

namespace natlb {

struct EngineOptions {
  std::vector<std::string> interfaces;
  std::string backend;    // auto, af_xdp, af_packet
  std::string flow_file;  // empty: flows end with the process
  uint32_t max_flows = 1 << 20;
};

class Engine {
 public:
  // Throws std::system_error naming what could not be opened.
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Swaps in a new snapshot, or throws and changes nothing.
  void configure(const WantedSnapshot& wanted);
  // From here on nothing is steered to us. For the moment before the addresses go.
  void withdraw();
  // Ends the worker and closes the devices. Flows stay in their file.
  void close();

  [[nodiscard]] const std::string& backend() const noexcept { return opened_.backend; }
  [[nodiscard]] const std::string& backend_reason() const noexcept { return opened_.reason; }
  [[nodiscard]] uint32_t adopted() const noexcept { return adopted_; }
  [[nodiscard]] bool flows_last() const noexcept { return memory_.lasting(); }

  // What would become of a packet now; `routes` are those that the answer's interfaces belong to.
  [[nodiscard]] Explanation explain(const PacketQuestion& question, std::shared_ptr<const Routes>& routes) const;

  // For reading while the worker works: counters are whole, sums of several may be a packet apart.
  [[nodiscard]] const FlowTable& flows() const noexcept { return flows_; }
  [[nodiscard]] const Worker& worker() const noexcept { return worker_; }
  [[nodiscard]] TraceRing& trace() noexcept { return worker_.trace(); }
  [[nodiscard]] const SlotDirectory& directory() const noexcept { return directory_; }
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  [[nodiscard]] const std::vector<std::unique_ptr<Device>>& devices() const noexcept { return opened_.devices; }

 private:
  void keep_house() noexcept;
  void look_after_neighbours();
  void follow_kernel();
  void refresh_routes();
  void note_takeover();
  void publish();
  void steer();
  void steer(const Service& service, Steered& steered) const;
  void steer_flows_of_the_gone(Steered& steered) const;
  [[nodiscard]] View view() const;
  [[nodiscard]] std::vector<Device*> device_pointers() const;
  void release_seen();

  FlowMemory memory_;
  Block block_;
  FlowTable flows_;
  uint32_t adopted_;
  SlotDirectory directory_;
  Opened opened_;
  Worker worker_;

  mutable std::mutex mutex_;  // guards what follows; the worker never takes it
  Mirror mirror_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Routes> routes_;
  std::vector<Address> locals_;
  std::vector<SteeredInterface> interfaces_;
  std::vector<std::unique_ptr<Published>> published_;  // the newest last
  uint64_t serial_ = 0;
  uint32_t takeover_until_ = 0;
  bool withdrawn_ = false;
  bool configured_ = false;
  bool behind_ = false;  // what the worker and the steering go by is older than what the mirror has heard
  uint64_t ticked_at_ms_ = 0;

  FileDescriptor stop_fd_;
  std::atomic<bool> stopping_{false};
  std::thread house_;
};

}  // namespace natlb
