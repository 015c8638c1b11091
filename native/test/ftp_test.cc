// What the lines of an FTP control connection agree on, and what must be said in their place: one row each.
#include "core/ftp.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/wire.h"
#include "io/address_text.h"

using namespace natlb;
using namespace natlb::ftp;

namespace {

struct Heard {
  std::string text;        // as the other side reads it
  std::string agreements;  // one after another
};

Address address(const std::string& text) { return parse_address(text).value(); }
Parties parties_v4() { return {address("198.51.100.7"), address("10.11.12.1"), address("203.0.113.10")}; }
Parties parties_v6() { return {address("2001:db8:7::7"), address("fd00:11::1"), address("2001:db8::10")}; }

std::string words(const Agreement& agreement) {
  return (agreement.listener_is == Speaker::client ? "client " : "server ") + text(agreement.listener.address) + " " +
         std::to_string(to_host(agreement.listener.port)) + "; ";
}

void put(Heard& heard, const Scanner& scanner, Dialogue& dialogue, const Parties& parties) {
  const Meaning meaning = interpret(scanner, dialogue, parties);
  if (meaning.agreed) {
    heard.agreements += words(meaning.agreement);
    settle(scanner, dialogue);
  }
  heard.text += meaning.length == 0 ? std::string{scanner.text.data(), scanner.length} : std::string{meaning.text.data(), meaning.length};
}

Heard hear(Speaker speaker, const std::string& said, Dialogue& dialogue, const Parties& parties) {
  Heard heard;
  Scanner scanner;
  for (const char byte : said) {
    const Step taken = step(scanner, dialogue, speaker, byte);
    if (taken == Step::ended_before || taken == Step::ended_with) put(heard, scanner, dialogue, parties);
    if (taken == Step::passed || taken == Step::ended_before) heard.text += byte;
  }
  if (scanner.is_open()) heard.text.append(scanner.text.data(), scanner.length);
  return heard;
}

struct Row {
  const char* name;
  const char* said;
  const char* agreements;  // what they agree on
  const char* reads;       // nullptr: as it was said
};

void check_commands(const std::vector<Row>& rows, const Parties& parties) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Dialogue dialogue;
    const Heard heard = hear(Speaker::client, row.said, dialogue, parties);
    CHECK(heard.agreements == row.agreements);
    CHECK(heard.text == row.said);
  }
}

void check_replies(const std::vector<Row>& rows, const char* asked, const Parties& parties) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Dialogue dialogue;
    hear(Speaker::client, asked, dialogue, parties);
    const Heard heard = hear(Speaker::server, row.said, dialogue, parties);
    CHECK(heard.agreements == row.agreements);
    CHECK(heard.text == (row.reads == nullptr ? row.said : row.reads));
  }
}

}  // namespace

TEST_CASE("a client says where it listens") {
  check_commands(
      {
          {"PORT", "PORT 198,51,100,7,195,80\r\n", "client 198.51.100.7 50000; ", nullptr},
          {"in any case, after any number of spaces", "pOrt   198,51,100,7,195,80\r\n", "client 198.51.100.7 50000; ", nullptr},
          {"with a bare line feed", "PORT 198,51,100,7,195,80\n", "client 198.51.100.7 50000; ", nullptr},
          {"pipelined", "USER a\r\nPORT 198,51,100,7,195,80\r\nPORT 198,51,100,7,195,81\r\nLIST\r\n",
           "client 198.51.100.7 50000; client 198.51.100.7 50001; ", nullptr},
          {"EPRT", "EPRT |1|198.51.100.7|50000|\r\n", "client 198.51.100.7 50000; ", nullptr},
          {"EPRT with another delimiter", "EPRT !1!198.51.100.7!50000!\r\n", "client 198.51.100.7 50000; ", nullptr},
          {"one number is missing", "PORT 198,51,100,7,195\r\n", "", nullptr},
          {"one number too many", "PORT 198,51,100,7,195,80,1\r\n", "", nullptr},
          {"a number over 255", "PORT 198,51,100,7,195,256\r\n", "", nullptr},
          {"a number of four digits", "PORT 198,51,100,7,0195,80\r\n", "", nullptr},
          {"an empty number", "PORT 198,51,,7,195,80\r\n", "", nullptr},
          {"longer than six numbers can be", "PORT 198,051,100,007,195,0801\r\n", "", nullptr},
          {"not at the beginning of a line", "STOR PORT 198,51,100,7,195,80\r\n", "", nullptr},
          {"a longer word", "PORTS 198,51,100,7,195,80\r\n", "", nullptr},
          {"text before the numbers", "PORT a198,51,100,7,195,80\r\n", "", nullptr},
          {"not ended yet", "PORT 198,51,100,7,195,80", "", nullptr},
          {"EPRT without an address", "EPRT |||50000|\r\n", "", nullptr},
          {"EPRT of an unknown family", "EPRT |3|198.51.100.7|50000|\r\n", "", nullptr},
          {"EPRT of the wrong family", "EPRT |2|198.51.100.7|50000|\r\n", "", nullptr},
          {"EPRT with a port over 65535", "EPRT |1|198.51.100.7|65536|\r\n", "", nullptr},
          {"EPRT without its last delimiter", "EPRT |1|198.51.100.7|50000\r\n", "", nullptr},
          {"EPRT with an address of five numbers", "EPRT |1|198.51.100.7.1|50000|\r\n", "", nullptr},
          {"an over-long argument", "EPRT |1|198.51.100.7000000000000000000000000000000000000000|50000|\r\n", "", nullptr},
          {"after EPSV ALL nothing else is to be believed (RFC 2428 4)", "EPSV ALL\r\nPORT 198,51,100,7,195,80\r\n", "", nullptr},
          {"a line that is over-long ends like any other",
           "PORT                                                                                                                        "
           "                                                                                                                            "
           "                                                                                                                            "
           "                                                                                                                            "
           "                                                                  198,51,100,7,195,80\r\nPORT 198,51,100,7,195,81\r\n",
           "client 198.51.100.7 50001; ", nullptr},
      },
      parties_v4());
}

TEST_CASE("nobody is made to open a connection to somebody else") {
  check_commands(
      {
          {"PORT to another host", "PORT 192,0,2,1,195,80\r\n", "", nullptr},
          {"EPRT to another host", "EPRT |1|192.0.2.1|50000|\r\n", "", nullptr},
          {"PORT to the virtual address", "PORT 203,0,113,10,195,80\r\n", "", nullptr},
          {"PORT to a port of a service", "PORT 198,51,100,7,0,25\r\n", "", nullptr},
          {"PORT to the last such port", "PORT 198,51,100,7,3,255\r\n", "", nullptr},
          {"PORT to the first behind", "PORT 198,51,100,7,4,0\r\n", "client 198.51.100.7 1024; ", nullptr},
          {"PORT to port 0", "PORT 198,51,100,7,0,0\r\n", "", nullptr},
      },
      parties_v4());
}

TEST_CASE("a client says where it listens over IPv6") {
  check_commands(
      {
          {"EPRT", "EPRT |2|2001:db8:7::7|50000|\r\n", "client 2001:db8:7::7 50000; ", nullptr},
          {"written in full", "EPRT |2|2001:0DB8:0007:0000:0000:0000:0000:0007|50000|\r\n", "client 2001:db8:7::7 50000; ", nullptr},
          {"the longest there is", "EPRT |2|2001:0db8:0007:0000:0000:0000:0000:0007|65535|\r\n", "client 2001:db8:7::7 65535; ", nullptr},
          {"another address", "EPRT |2|2001:db8:7::8|50000|\r\n", "", nullptr},
          {"two gaps", "EPRT |2|2001::db8:7::7|50000|\r\n", "", nullptr},
          {"nine groups", "EPRT |2|2001:db8:7:0:0:0:0:0:7|50000|\r\n", "", nullptr},
          {"a group of five digits", "EPRT |2|2001:00db8:7::7|50000|\r\n", "", nullptr},
          {"a colon at the end", "EPRT |2|2001:db8:7:0:0:0:0:7:|50000|\r\n", "", nullptr},
          {"three colons", "EPRT |2|2001:db8:7:::7|50000|\r\n", "", nullptr},
          {"PORT, which knows IPv4 alone", "PORT 198,51,100,7,195,80\r\n", "", nullptr},
          {"an IPv4 address", "EPRT |1|198.51.100.7|50000|\r\n", "", nullptr},
      },
      parties_v6());
}

TEST_CASE("a server says where it listens, and names the virtual address to the client") {
  check_replies(
      {
          {"as RFC 959 shows it", "227 Entering Passive Mode (10,11,12,1,195,80).\r\n", "server 10.11.12.1 50000; ",
           "227 Entering Passive Mode (203,0,113,10,195,80).\r\n"},
          {"without parentheses (RFC 1123)", "227 Entering Passive Mode. 10,11,12,1,195,80\r\n", "server 10.11.12.1 50000; ",
           "227 Entering Passive Mode. 203,0,113,10,195,80\r\n"},
          {"in IBM's way", "227 =10,11,12,1,195,80\r\n", "server 10.11.12.1 50000; ", "227 =203,0,113,10,195,80\r\n"},
          {"behind another number", "227 Passive mode 2 (10,11,12,1,195,80)\r\n", "server 10.11.12.1 50000; ",
           "227 Passive mode 2 (203,0,113,10,195,80)\r\n"},
          {"the port stays as it was written", "227 (10,11,12,1,195,080)\r\n", "server 10.11.12.1 50000; ",
           "227 (203,0,113,10,195,080)\r\n"},
          {"after other replies", "331 who\r\n230-hello\r\n230 in\r\n227 (10,11,12,1,195,80)\r\n", "server 10.11.12.1 50000; ",
           "331 who\r\n230-hello\r\n230 in\r\n227 (203,0,113,10,195,80)\r\n"},
          {"a destination that was told the virtual address", "227 Entering Passive Mode (203,0,113,10,195,80).\r\n",
           "server 10.11.12.1 50000; ", nullptr},
          {"asked once, answered once", "227 (10,11,12,1,195,80)\r\n227 (10,11,12,1,195,81)\r\n", "server 10.11.12.1 50000; ",
           "227 (203,0,113,10,195,80)\r\n227 (10,11,12,1,195,81)\r\n"},
          {"another host's address", "227 (10,11,12,2,195,80)\r\n", "", nullptr},
          {"a port of a service", "227 (10,11,12,1,0,22)\r\n", "", nullptr},
          {"in a line of many", "227-(10,11,12,1,195,80)\r\n", "", nullptr},
          {"another code", "226 (10,11,12,1,195,80)\r\n", "", nullptr},
          {"malformed numbers", "227 (10,11,12,1,195)\r\n", "", nullptr},
          {"a number over 255", "227 (10,11,12,1,300,80)\r\n", "", nullptr},
      },
      "PASV\r\n", parties_v4());
}

TEST_CASE("a server says where it listens in the extended way") {
  const std::vector<Row> rows{
      {"EPSV", "229 Entering Extended Passive Mode (|||50000|)\r\n", "server 10.11.12.1 50000; ", nullptr},
      {"with another delimiter", "229 (!!!50000!)\r\n", "server 10.11.12.1 50000; ", nullptr},
      {"an address that RFC 2428 forbids is taken out", "229 ok (|1|10.11.12.1|50000|)\r\n", "server 10.11.12.1 50000; ",
       "229 ok (|||50000|)\r\n"},
      {"another host's address", "229 ok (|1|10.11.12.2|50000|)\r\n", "", nullptr},
      {"without parentheses", "229 |||50000|\r\n", "", nullptr},
      {"a port of a service", "229 (|||22|)\r\n", "", nullptr},
      {"without its end", "229 (|||50000\r\n", "", nullptr},
      {"only half empty", "229 (|1||50000|)\r\n", "", nullptr},
      {"PASV's answer", "227 (10,11,12,1,195,80)\r\n", "", nullptr},
  };
  check_replies(rows, "EPSV\r\n", parties_v4());
  check_replies(rows, "epsv 1\r\n", parties_v4());
  check_replies({{"over IPv6", "229 Entering Extended Passive Mode (|||50000|)\r\n", "server fd00:11::1 50000; ", nullptr},
                 {"with an address", "229 (|2|fd00:11::1|50000|)\r\n", "server fd00:11::1 50000; ", "229 (|||50000|)\r\n"}},
                "EPSV 2\r\n", parties_v6());
}

TEST_CASE("a reply that nobody asked for means nothing") {
  for (const char* asked : {"", "NOOP\r\n", "XPASV\r\n", "PASVX\r\n", "EPSV ALL\r\n", "EPSV ALL\r\nPASV\r\n"}) {
    CAPTURE(asked);
    check_replies({{"PASV", "227 (10,11,12,1,195,80)\r\n", "", nullptr}, {"EPSV", "229 (|||50000|)\r\n", "", nullptr}}, asked,
                  parties_v4());
  }
  check_replies({{"after EPSV ALL", "200 fine\r\n229 (|||50000|)\r\n", "server 10.11.12.1 50000; ", nullptr}}, "EPSV ALL\r\nEPSV\r\n",
                parties_v4());
}
