// Drives one round of the namespace benchmark: generates frames in one network namespace, counts and checks them in another, and prints
// what it measured as one line of JSON. Read traffic.bpf.c first.
//   traffic OBJECT KEY=VALUE…   keys: see Options

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "frame.h"

namespace {

using Options = std::map<std::string, std::string>;

int check(int result, const std::string& doing) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), doing);
  return result;
}

Options options_of(int count, char** arguments) {
  Options options;
  for (int i = 2; i < count; i++) {
    const std::string argument = arguments[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("expected KEY=VALUE, found " + argument);
    options[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return options;
}

const std::string& need(const Options& options, const std::string& key) {
  const auto found = options.find(key);
  if (found == options.end()) throw std::invalid_argument("missing " + key + "=");
  return found->second;
}

void parse_mac(const std::string& text, uint8_t (&mac)[ETH_ALEN]) {
  const int found = std::sscanf(text.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]);
  if (found != ETH_ALEN) throw std::invalid_argument("not a MAC address: " + text);
}

uint32_t parse_v4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) throw std::invalid_argument("not an IPv4 address: " + text);
  return address.s_addr;
}

// The calling thread's network namespace; the process keeps its own.
void enter(const std::string& name) {
  const int fd = check(open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC), "open namespace " + name);
  check(setns(fd, CLONE_NEWNET), "enter namespace " + name);
  close(fd);
}

uint32_t index_of(const std::string& interface) {
  const uint32_t index = if_nametoindex(interface.c_str());
  if (index == 0) throw std::system_error(errno, std::generic_category(), "find interface " + interface);
  return index;
}

plan plan_of(const Options& options) {
  plan made{};
  made.interface = index_of(need(options, "out"));
  made.flows = static_cast<uint32_t>(std::stoul(need(options, "flows")));
  made.client_base = ntohl(parse_v4(need(options, "clients")));
  made.service_address = parse_v4(need(options, "service"));
  made.service_port = htons(static_cast<uint16_t>(std::stoul(need(options, "port"))));
  parse_mac(need(options, "source-mac"), made.source_mac);
  parse_mac(need(options, "target-mac"), made.target_mac);
  return made;
}

class Programs {
 public:
  Programs(const std::string& file, const plan& wanted) : object_{bpf_object__open_file(file.c_str(), nullptr)} {
    if (object_ == nullptr) throw std::system_error(errno, std::generic_category(), "open " + file);
    bpf_map* constants = bpf_object__find_map_by_name(object_, ".rodata");
    check(bpf_map__set_initial_value(constants, &wanted, sizeof wanted), "set the plan");
    check(bpf_object__load(object_), "load " + file);
  }
  ~Programs() { bpf_object__close(object_); }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  [[nodiscard]] bpf_program* program(const char* name) const { return bpf_object__find_program_by_name(object_, name); }
  [[nodiscard]] int map(const char* name) const { return bpf_object__find_map_fd_by_name(object_, name); }

 private:
  bpf_object* object_;
};

uint64_t count_of(const Programs& programs, uint32_t which) {
  std::vector<uint64_t> counts(static_cast<size_t>(libbpf_num_possible_cpus()));
  check(bpf_map_lookup_elem(programs.map("counts"), &which, counts.data()), "read a counter");
  uint64_t sum = 0;
  for (const uint64_t count : counts) sum += count;
  return sum;
}

// Sends until told to stop. A call waits some 20 ms at its end, so each asks for many frames.
void generate(const Programs& programs, int cpu, const std::string& name, const std::atomic<bool>& stop) {
  enter(name);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  check(sched_setaffinity(0, sizeof one, &one), "pin the generator");
  constexpr int kRepeats = 1'000'000;
  frame empty{};
  xdp_md context{};
  context.data_end = sizeof empty;
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &empty, .data_size_in = sizeof empty, .ctx_in = &context, .ctx_size_in = sizeof context,
              .repeat = kRepeats, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
  while (!stop) check(bpf_prog_test_run_opts(bpf_program__fd(programs.program("generate")), &run), "generate frames");
}

struct Reading {
  std::chrono::steady_clock::time_point at;
  uint64_t offered, received;
  double busy_seconds;  // of all CPUs together
};

double busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0;
  file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq;
  return (user + nice + system + irq + softirq) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Reading read(const Programs& programs) {
  return {std::chrono::steady_clock::now(), count_of(programs, kOffered), count_of(programs, kReceived), busy_seconds()};
}

uint16_t sum_of(const void* bytes, size_t length, uint32_t sum) {
  const auto* at = static_cast<const uint8_t*>(bytes);
  for (size_t i = 0; i + 1 < length; i += 2) sum += static_cast<uint32_t>(at[i] << 8 | at[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

uint32_t pseudo_header(const frame& frame) { return sum_of(&frame.ip.saddr, 8, 0) + IPPROTO_UDP + ntohs(frame.udp.len); }

// What must hold of a frame that a router translated: empty, or the first thing that does not.
std::string fault(const frame& frame, const plan& plan, const std::set<uint32_t>& servers, uint16_t port, uint8_t ttl) {
  const uint32_t flow = ntohl(frame.flow);
  if (flow >= plan.flows) return "payload";
  if (ntohl(frame.ip.saddr) != client_address(&plan, flow)) return "client address";
  if (ntohs(frame.udp.source) != client_port(flow)) return "client port";
  if (servers.count(frame.ip.daddr) == 0) return "server address";
  if (ntohs(frame.udp.dest) != port) return "server port";
  if (frame.ip.ttl != ttl) return "TTL";
  if (sum_of(&frame.ip, sizeof frame.ip, 0) != 0xffff) return "IP checksum";
  if (sum_of(&frame.udp, sizeof frame - sizeof frame.ethernet - sizeof frame.ip, pseudo_header(frame)) != 0xffff) return "UDP checksum";
  return "";
}

struct Samples {
  int checked = 0;
  int wrong = 0;
  std::string first_fault;
  std::set<uint32_t> servers;
};

Samples check_samples(const Programs& programs, const Options& options, const plan& plan) {
  std::set<uint32_t> servers;
  std::istringstream list(need(options, "servers"));
  for (std::string server; std::getline(list, server, ',');) servers.insert(parse_v4(server));
  const auto port = static_cast<uint16_t>(std::stoul(need(options, "server-port")));
  const auto ttl = static_cast<uint8_t>(std::stoul(need(options, "ttl")));
  Samples result;
  for (uint32_t slot = 0; slot < kSamples; slot++) {
    frame sample{};
    check(bpf_map_lookup_elem(programs.map("samples"), &slot, &sample), "read a sample");
    if (sample.ethernet.h_proto == 0) continue;
    result.checked++;
    result.servers.insert(sample.ip.daddr);
    const std::string found = fault(sample, plan, servers, port, ttl);
    if (found.empty()) continue;
    if (result.wrong++ == 0) result.first_fault = found;
  }
  return result;
}

void sleep_for(const std::string& seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(seconds))); }

void print(const Reading& before, const Reading& after, const Samples& samples) {
  const double seconds = std::chrono::duration<double>(after.at - before.at).count();
  std::printf(
      R"({"seconds":%.4f,"received":%llu,"busySeconds":%.3f,"offered":%llu,"checked":%d,"wrong":%d,"firstFault":"%s","servers":%zu})"
      "\n",
      seconds, static_cast<unsigned long long>(after.received - before.received), after.busy_seconds - before.busy_seconds,
      static_cast<unsigned long long>(after.offered - before.offered), samples.checked, samples.wrong, samples.first_fault.c_str(),
      samples.servers.size());
}

// At tc's ingress of an interface, for as long as this object lives; after a kill it goes with the interface.
class Sink {
 public:
  Sink(const bpf_program* program, const std::string& interface) {
    hook_.ifindex = static_cast<int>(index_of(interface));
    bpf_tc_hook_create(&hook_);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
    if (const int result = bpf_tc_attach(&hook_, &options); result < 0)
      throw std::system_error(-result, std::generic_category(), "attach the sink to " + interface);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() {
    hook_.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&hook_);
  }

 private:
  bpf_tc_hook hook_{.sz = sizeof(bpf_tc_hook), .ifindex = 0, .attach_point = BPF_TC_INGRESS, .parent = 0};
};

void round(const std::string& object, const Options& options) {
  enter(need(options, "client-namespace"));
  const plan plan = plan_of(options);
  const Programs programs(object, plan);
  enter(need(options, "server-namespace"));
  const Sink sink{programs.program("sink"), need(options, "in")};
  std::atomic<bool> stop{false};
  std::thread sender([&] { generate(programs, std::stoi(need(options, "cpu")), need(options, "client-namespace"), stop); });
  sleep_for(need(options, "warm-up"));
  const Reading before = read(programs);
  sleep_for(need(options, "seconds"));
  const Reading after = read(programs);
  stop = true;
  sender.join();
  print(before, after, check_samples(programs, options, plan));
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 2) throw std::invalid_argument("usage: traffic OBJECT KEY=VALUE…");
    round(arguments[1], options_of(count, arguments));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "traffic: %s\n", error.what());
    return 1;
  }
}
