// One packet over a scratch table.
#include "engine/explain.h"

#include <algorithm>
#include <memory>

#include "core/checksum.h"
#include "core/choose.h"
#include "core/forward.h"
#include "core/ip.h"
#include "core/read_flow.h"
#include "core/sctp.h"
#include "engine/flow_memory.h"

namespace natlb {

namespace {

constexpr size_t kCapacity = 2048;
constexpr uint8_t kHeartbeat = 4;  // RFC 9260 3.3.5

void put_address(uint8_t* at, const Address& address, bool is_v4) { std::memcpy(at, address.wire(), is_v4 ? 4 : 16); }

// A packet as the client would send it: what opens a connection, or, on a flow, what says nothing new.
class Frame {
 public:
  Frame(const PacketQuestion& question, const std::optional<Flow>& flow) : is_v4_{question.client.is_v4()}, protocol_{question.protocol} {
    uint8_t* l4 = bytes_.data() + kEthernetHeader + ip_header();
    store16(l4, question.client_port);
    store16(l4 + 2, question.service_port);
    const size_t length = protocol_ == kTcp ? put_tcp(l4, flow) : protocol_ == kSctp ? put_sctp(l4, flow) : put_udp(l4);
    bytes_.resize(kEthernetHeader + ip_header() + length);
    put_ip(question, length);
    finish(length);
  }

  void travel(const MacAddress& source, const MacAddress& target) {
    std::memcpy(bytes_.data(), target.bytes, sizeof target.bytes);
    std::memcpy(bytes_.data() + 6, source.bytes, sizeof source.bytes);
  }

  [[nodiscard]] const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  [[nodiscard]] size_t ip_header() const { return is_v4_ ? kIPv4Header : kIPv6Header; }

  static size_t put_tcp(uint8_t* l4, const std::optional<Flow>& flow) {
    put_host32(l4 + tcp::kSequence, flow ? flow->server_expects : 1);
    if (flow) put_host32(l4 + tcp::kAcknowledgement, flow->client_expects);
    l4[tcp::kDataOffset] = kTcpHeader / 4 << 4;
    l4[tcp::kFlags] = flow ? tcp::kAck : tcp::kSyn;
    store16(l4 + tcp::kWindow, UINT16_MAX);
    return kTcpHeader;
  }

  static size_t put_udp(uint8_t* l4) {
    store16(l4 + udp::kLength, to_wire(kUdpHeader));
    return kUdpHeader;
  }

  static size_t put_sctp(uint8_t* l4, const std::optional<Flow>& flow) {
    uint8_t* chunk = l4 + sctp::kHeader;
    const size_t length = flow ? sctp::kChunkHeader + 4 : sctp::kInitHeader;
    chunk[0] = flow ? kHeartbeat : sctp::kInit;
    store16(chunk + sctp::kLength, to_wire(static_cast<uint16_t>(length)));
    if (flow) {
      std::memcpy(l4 + sctp::kTag, &flow->server_expects, sizeof flow->server_expects);
      chunk[5] = 1;  // heartbeat information, of its header only
      chunk[7] = 4;
    } else {
      put_host32(chunk + sctp::kInitiateTag, 1);
      put_host32(chunk + sctp::kInitiateTag + 4, UINT16_MAX);
      chunk[13] = chunk[15] = 1;  // streams
    }
    return sctp::kHeader + length;
  }

  void put_ip(const PacketQuestion& question, size_t length) {
    uint8_t* ip = bytes_.data() + kEthernetHeader;
    store16(bytes_.data() + 12, to_wire(is_v4_ ? kEtherTypeIPv4 : kEtherTypeIPv6));
    if (is_v4_) {
      ip[0] = 0x45;
      store16(ip + ipv4::kTotalLength, to_wire(static_cast<uint16_t>(kIPv4Header + length)));
      store16(ip + ipv4::kFragmentOffset, to_wire(ipv4::kDontFragment));
      ip[ipv4::kTtl] = kHostTtl;
      ip[ipv4::kProtocol] = protocol_;
    } else {
      ip[0] = 0x60;
      store16(ip + ipv6::kPayloadLength, to_wire(static_cast<uint16_t>(length)));
      ip[ipv6::kNextHeader] = protocol_;
      ip[ipv6::kHopLimit] = kHostTtl;
    }
    put_address(ip + (is_v4_ ? ipv4::kSource : ipv6::kSource), question.client, is_v4_);
    put_address(ip + (is_v4_ ? ipv4::kTarget : ipv6::kTarget), question.service, is_v4_);
  }

  void finish(size_t length) {
    uint8_t* ip = bytes_.data() + kEthernetHeader;
    uint8_t* l4 = ip + ip_header();
    if (is_v4_) store16(ip + ipv4::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(ip, kIPv4Header))));
    if (protocol_ == kSctp) {
      const uint32_t checksum = sctp_checksum(l4, length);
      std::memcpy(l4 + sctp::kChecksum, &checksum, sizeof checksum);
      return;
    }
    const auto sum = static_cast<uint16_t>(~fold(sum_bytes(l4, length, pseudo_header_sum(ip, is_v4_, protocol_, length))));
    store16(l4 + (protocol_ == kTcp ? tcp::kChecksum : udp::kChecksum), sum == 0 && protocol_ == kUdp ? UINT16_MAX : sum);
  }

  bool is_v4_;
  uint8_t protocol_;
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kCapacity);
};

std::optional<Flow> copy_of(const FlowTable& live, const Key& key) {
  const Found found = live.find(key, live.hash_of(key));
  if (found.flow == nullptr) return {};
  return read_flow(live.block(), live.index_of(*found.flow));
}

// A block of its own for one question; of its slots only those that are copied take memory.
class Scratch {
 public:
  static constexpr uint32_t kFlows = 4096;

  Scratch(const FlowTable& live, uint32_t now)
      : live_{live.block()},
        memory_{"", Block::bytes(kFlows)},
        block_{memory_.data(), kFlows},
        flows_{block_, HashSecret{{1, 2, 3, 4}}, now} {}

  void copy(const Service& service) {
    ServiceSlot& slot = block_.services[service.slot];
    slot.name = live_.services[service.slot].name;
    slot.in_use = 1;
    slot.scheduler = live_.services[service.slot].scheduler;  // of one of the worker's moments, or between two: it is but where to begin
    for (const Listener& listener : service.listeners) copy_address(listener.slot);
    for (const Destination& destination : service.destinations) copy_destination(destination.slot);
  }

  // Who belongs to it, and what was agreed on it, stays behind.
  void copy(const Flow& flow) {
    copy_address(flow.virtual_address);
    copy_destination(flow.destination);
    Flow own = flow;
    own.flags &= Flow::kTemplate | Flow::kReplied;
    if (own.has(Flow::kTemplate)) dependents(own) = 0;
    if (flows_.find(flows_.forward_key(own), flows_.hash_of(flows_.forward_key(own))).flow == nullptr) flows_.insert(own);
  }

  // Last: to insert flows has counted them.
  void copy_loads() {
    for (const uint32_t at : copied_) {
      block_.loads[at].active.store(Load::get(live_.loads[at].active), std::memory_order_relaxed);
      block_.loads[at].inactive.store(Load::get(live_.loads[at].inactive), std::memory_order_relaxed);
      block_.destinations[at].overloaded.store(live_.destinations[at].overloaded.load(std::memory_order_relaxed),
                                               std::memory_order_relaxed);
    }
  }

  [[nodiscard]] FlowTable& flows() { return flows_; }

 private:
  void copy_address(uint32_t at) {
    block_.addresses[at].address = live_.addresses[at].address;
    block_.addresses[at].in_use = 1;
  }

  void copy_destination(uint32_t at) {
    const DestinationSlot& from = live_.destinations[at];
    DestinationSlot& to = block_.destinations[at];
    to.address = from.address;
    to.port = from.port;
    to.in_use = 1;
    to.profile = from.profile;
    to.service = from.service;
    to.standing.store(from.standing.load(std::memory_order_relaxed), std::memory_order_relaxed);
    to.upper_threshold = from.upper_threshold;
    to.lower_threshold = from.lower_threshold;
    to.last_weight = from.last_weight;
    copied_.push_back(at);
  }

  const Block& live_;
  FlowMemory memory_;
  Block block_;
  FlowTable flows_;
  std::vector<uint32_t> copied_;
};

Candidate candidate_of(const Block& block, uint32_t slot, uint16_t port, uint32_t weight) {
  const DestinationSlot& destination = block.destinations[slot];
  const Load& load = block.loads[slot];
  return {destination.address,
          port,
          weight,
          Load::get(load.active),
          Load::get(load.inactive),
          static_cast<uint32_t>(destination.persistent.get()),
          destination.overloaded.load(std::memory_order_relaxed)};
}

class Explaining {
 public:
  Explaining(const PacketQuestion& question, const View& view, const FlowTable& live, uint32_t now)
      : question_{question},
        view_{view},
        live_{live},
        now_{now},
        key_{question.client, question.service, question.client_port, question.service_port, question.protocol},
        scratch_{std::make_unique<Scratch>(live, now)} {}

  Explanation run() {
    answer_.is_local = view_.routes->is_local(question_.service);
    answer_.flow = copy_of(live_, key_);
    if (answer_.flow) scratch_->copy(*answer_.flow);
    const auto [service, listener] = view_.snapshot->find_service(key_.target, key_.target_port, key_.protocol);
    if (service != nullptr) look_at(*service, *listener);
    scratch_->copy_loads();
    send();
    return std::move(answer_);
  }

 private:
  void look_at(const Service& service, const Listener& listener) {
    answer_.service = service.slot;
    scratch_->copy(service);
    if (service.persistence_ticks != 0) answer_.kept = copy_of(live_, template_key(service, listener, key_));
    if (answer_.kept) scratch_->copy(*answer_.kept);
    for (const Destination& destination : service.destinations) {
      answer_.candidates.push_back(candidate_of(live_.block(), destination.slot, destination.port, destination.weight));
      copy_rival(destination);
    }
    is_flooding_ = is_over_limit(service);
  }

  // Another flow whose replies could not be told from those of the one asked about.
  void copy_rival(const Destination& destination) {
    const uint16_t port = destination.port == 0 ? key_.target_port : destination.port;
    if (const auto rival = copy_of(live_, {destination.address, key_.source, port, key_.source_port, key_.protocol}))
      scratch_->copy(*rival);
  }

  // The scratch table has no other clients, so what the pipeline counts of them is looked up here.
  [[nodiscard]] bool is_over_limit(const Service& service) const {
    const uint32_t limit = view_.snapshot->half_open().source;
    return key_.protocol == kTcp && limit != 0 && live_.half_open().of_source(key_.source, service.slot) >= limit;
  }

  void send() {
    const NextHop way = view_.routes->find(question_.client);
    const uint32_t device = device_toward(way);
    Frame frame{question_, answer_.flow};
    answer_.interface_in = device < view_.interface_of_device.size() ? view_.interface_of_device[device] : kNoInterface;
    if (answer_.interface_in != kNoInterface) {
      frame.travel(way.resolved ? way.destination : MacAddress{}, view_.routes->interfaces()[answer_.interface_in].mac);
    }
    answer_.in = frame.bytes();
    if (answer_.interface_in == kNoInterface) {
      answer_.verdict = Verdict::no_device;
    } else if (is_flooding_ && !answer_.flow) {
      answer_.verdict = Verdict::source_floods;
    } else {
      forward(device);
    }
  }

  // Where the client's packets come in is taken to be where packets to it go out.
  [[nodiscard]] uint32_t device_toward(const NextHop& way) const {
    if (way.interface != kNoInterface && view_.device_of_interface[way.interface] != View::kNoDevice) {
      return view_.device_of_interface[way.interface];
    }
    const auto& interfaces = view_.routes->interfaces();
    for (uint32_t i = 0; i < interfaces.size(); ++i) {
      const bool holds = std::ranges::any_of(interfaces[i].addresses, [&](const Address& own) { return own == question_.service; });
      if (holds && view_.device_of_interface[i] != View::kNoDevice) return view_.device_of_interface[i];
    }
    return 0;
  }

  void forward(uint32_t device) {
    const auto batch = std::make_unique<Batch>();
    std::vector<uint8_t> buffer = answer_.in;
    const auto length = static_cast<uint32_t>(buffer.size());
    buffer.resize(kCapacity);
    Packet& packet = batch->packets[0];
    packet = {};
    packet.frame = buffer.data();
    packet.length = length;
    packet.capacity = kCapacity;
    packet.device_in = static_cast<uint16_t>(device);
    batch->count = 1;
    const auto forwarder = std::make_unique<Forwarder>(scratch_->flows());
    forwarder->forward(*batch, view_, now_);
    answer_.verdict = packet.verdict;
    note_choice(packet);
    if (row(packet.verdict).fate != Fate::dropped || packet.verdict == Verdict::no_neighbour) note_way_out(packet);
  }

  void note_choice(const Packet& packet) {
    if (packet.flow == nullptr || packet.leg != Leg::forward) return;
    answer_.chosen = candidate_of(live_.block(), packet.flow->destination, packet.flow->destination_port, 0);
  }

  void note_way_out(const Packet& packet) {
    answer_.out.assign(packet.frame, packet.frame + packet.length);
    answer_.next = view_.routes->find(target_of(packet.frame + packet.l3, packet.is_v4));
    answer_.interface_out = answer_.next.interface;
  }

  const PacketQuestion& question_;
  const View& view_;
  const FlowTable& live_;
  uint32_t now_;
  Key key_;
  std::unique_ptr<Scratch> scratch_;
  bool is_flooding_ = false;
  Explanation answer_;
};

}  // namespace

Explanation explain(const PacketQuestion& question, const View& view, const FlowTable& live, uint32_t now) {
  return Explaining{question, view, live, now}.run();
}

}  // namespace natlb
