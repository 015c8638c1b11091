// help: the text of FTP control connections, before their addresses are translated: what it names is what the destination knows.
#include <algorithm>

#include "core/checksum.h"
#include "core/data_connections.h"
#include "core/stages.h"

namespace natlb {

namespace {

constexpr size_t kSmallestMtu4 = 576, kSmallestMtu6 = 1280;  // RFC 791 3.1, RFC 8200 5: what every link carries, or nearly

ftp::Speaker other(ftp::Speaker speaker) noexcept { return speaker == ftp::Speaker::client ? ftp::Speaker::server : ftp::Speaker::client; }

class Helping final : ftp::Expecting {
 public:
  Helping(Packet& packet, ConversationSlot& conversation, FlowTable& flows, const Snapshot& snapshot, uint32_t now) noexcept
      : packet_{packet},
        conversation_{conversation},
        said_{conversation.said},
        flows_{flows},
        snapshot_{snapshot},
        now_{now},
        speaker_{packet.leg == Leg::forward ? ftp::Speaker::client : ftp::Speaker::server},
        tcp_{packet.frame + packet.l4},
        header_{static_cast<size_t>(tcp_[tcp::kDataOffset] >> 4) * 4} {}

  void run() noexcept {
    if (!is_right()) {
      packet_.verdict = Verdict::bad_tcp_checksum;
    } else if (has(tcp::kSyn)) {
      open();
    } else {
      if (has(tcp::kAck)) acknowledge();
      has(tcp::kRst) ? number() : pass_on();
      sum();
    }
  }

  // An error quotes what its receiver sent as it went on; its numbers must be those the receiver used.
  static void number_quoted(Packet& packet, const Sequence& sequence) noexcept {
    uint8_t* tcp = packet.frame + packet.inner_l4;
    const uint8_t* end = packet.frame + packet.end;
    uint8_t* number = tcp + tcp::kSequence;
    const uint16_t before = fold(uint64_t{load16(number)} + load16(number + 2));
    put_host32(number, sequence.right_edge(host32(number)));
    const uint16_t after = fold(uint64_t{load16(number)} + load16(number + 2));
    uint8_t* checksum = tcp + tcp::kChecksum;
    if (checksum + 2 <= end) store16(checksum, adjust(load16(checksum), delta16(before, after)));
  }

  bool expect(const ftp::Agreement& agreement) noexcept override {
    return expect_data(flows_, *packet_.flow, conversation_, agreement, snapshot_, now_);
  }

 private:
  [[nodiscard]] bool has(uint8_t flag) const noexcept { return (tcp_[tcp::kFlags] & flag) != 0; }
  [[nodiscard]] size_t length() const noexcept { return packet_.end - packet_.l4; }
  [[nodiscard]] uint64_t pseudo_header() const noexcept {
    return pseudo_header_sum(packet_.frame + packet_.l3, packet_.is_v4, kTcp, length());
  }

  // What a bit error made of the text must not be read: the same bytes come again and mean something else.
  [[nodiscard]] bool is_right() const noexcept {
    return packet_.offload.checksum == Checksum::partial || fold(sum_bytes(tcp_, length(), pseudo_header())) == 0xffff;
  }

  // Text in a SYN (RFC 7413) is of no line that matters here.
  void open() noexcept {
    if (packet_.flow->state != FlowState::SYN_RECV) return;
    if (!has(tcp::kAck)) conversation_.said = {};
    ftp::begin(said_, speaker_, host32(tcp_ + tcp::kSequence) + 1 + static_cast<uint32_t>(length() - header_));
  }

  void acknowledge() noexcept {
    const uint32_t number = host32(tcp_ + tcp::kAcknowledgement);
    const Sequence& sequence = said_.of(other(speaker_)).sequence;
    if (!sequence.is_plain()) adjust_acknowledgement(tcp_, header_, sequence);
    ftp::acknowledge(said_, speaker_, number);
  }

  void number() noexcept { put_host32(tcp_ + tcp::kSequence, said_.of(speaker_).sequence.to_receiver(host32(tcp_ + tcp::kSequence))); }

  void pass_on() noexcept {
    const Block& block = flows_.block();
    const Flow& flow = *packet_.flow;
    ftp::Segment segment{host32(tcp_ + tcp::kSequence), tcp_ + header_, length() - header_, room(), has(tcp::kFin)};
    const size_t before = segment.length;
    ftp::pass_on(said_, speaker_, segment,
                 {flow.client, block.destinations[flow.destination].address, block.addresses[flow.virtual_address].address}, *this);
    put_host32(tcp_ + tcp::kSequence, segment.sequence);
    if (!segment.is_last) tcp_[tcp::kFlags] &= static_cast<uint8_t>(~tcp::kFin);
    if (segment.length != before) resize(segment.length);
  }

  // What the text may grow to: where it came in a small packet, to what passes everywhere; in a large one it may not.
  [[nodiscard]] size_t room() const noexcept {
    const size_t at = packet_.l4 + header_;
    const size_t everywhere = packet_.l3 + (packet_.is_v4 ? kSmallestMtu4 : kSmallestMtu6);
    const size_t end = std::min<size_t>(packet_.capacity, std::max<size_t>(packet_.end, everywhere));
    return end - at;
  }

  void resize(size_t text) noexcept {
    packet_.end = static_cast<uint32_t>(packet_.l4 + header_ + text);
    packet_.length = packet_.end;
    uint8_t* ip = packet_.frame + packet_.l3;
    if (packet_.is_v4) {
      const uint16_t before = load16(ip + ipv4::kTotalLength), after = to_wire(static_cast<uint16_t>(packet_.end - packet_.l3));
      store16(ip + ipv4::kTotalLength, after);
      store16(ip + ipv4::kChecksum, adjust(load16(ip + ipv4::kChecksum), delta16(before, after)));
    } else {
      store16(ip + ipv6::kPayloadLength, to_wire(static_cast<uint16_t>(packet_.end - packet_.l3 - kIPv6Header)));
    }
    if (text <= packet_.offload.gso_size) packet_.offload.gso_type = 0;  // one segment: nothing is left to cut
  }

  void sum() noexcept {
    uint8_t* at = tcp_ + tcp::kChecksum;
    if (packet_.offload.checksum == Checksum::partial) return store16(at, fold(pseudo_header()));
    store16(at, 0);
    store16(at, static_cast<uint16_t>(~fold(sum_bytes(tcp_, length(), pseudo_header()))));
  }

  Packet& packet_;
  ConversationSlot& conversation_;
  ftp::Conversation& said_;
  FlowTable& flows_;
  const Snapshot& snapshot_;
  const uint32_t now_;
  const ftp::Speaker speaker_;
  uint8_t* const tcp_;
  const size_t header_;
};

}  // namespace

void help(Batch& batch, const Snapshot& snapshot, FlowTable& flows, uint32_t now) noexcept {
  if (!batch.is_helped) return;
  for_each_pending(batch, [&](Packet& packet) {
    if (packet.outcome != Verdict::pending || packet.flow == nullptr || !packet.flow->has(Flow::kHelped)) return;
    ConversationSlot* conversation = find_conversation(flows.block(), *packet.flow);
    if (conversation == nullptr) return;
    if (packet.fragment.place != Fragment::Place::whole) {
      packet.verdict = Verdict::fragment_of_ftp;  // neither text nor checksum can be read in parts
    } else if (!packet.is_icmp_error) {
      Helping{packet, *conversation, flows, snapshot, now}.run();
    } else if (packet.leg == Leg::forward) {
      Helping::number_quoted(packet, conversation->said.server.sequence);
    }
  });
}

}  // namespace natlb
