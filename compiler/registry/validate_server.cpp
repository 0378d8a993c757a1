// The rules of a server's own fields.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/registry/rules.hpp"
#include "compiler/registry/words.hpp"

namespace aegir::registry {
namespace {

/// Two services of a server may not listen on one port, nor one of them twice. What both have left at its default is
/// one problem, not two.
void refuse_shared_ports(const Server& server, Rules& rules) {
  struct Port {
    std::string_view service;
    std::string field;
    std::uint16_t number;
  };
  std::vector<Port> ports;
  std::vector<std::pair<Port, Port>> shared;
  for (const WebService& service : server.web) {
    const std::string_view name = word_of(kServiceWords, service.kind);
    for (const auto& [key, number] :
         {std::pair{"/http_port", service.http_port}, {"/https_port", service.https_port}}) {
      const Port port{name, "web/" + std::string(name) + key, number};
      for (const Port& other : ports) {
        if (other.number == number && number != 0 && other.field != port.field) shared.emplace_back(other, port);
      }
      ports.push_back(port);
    }
  }
  const auto between = [](const auto& pair) { return pair.first.service != pair.second.service; };
  const auto listeners = [](const auto& pair) {
    return std::string(pair.first.service) + " and " + std::string(pair.second.service) + " would both listen on port";
  };
  if (shared.size() == 2 && std::ranges::all_of(shared, between)) {
    const auto& [one, two] = std::tie(shared[0], shared[1]);
    rules.refuse(
        {.field = "web/" + std::string(one.second.service),
         .message =
             listeners(one) + "s " + std::to_string(one.first.number) + " and " + std::to_string(two.first.number),
         .hint = "write an http_port and an https_port of its own for one of them; left out, they are 80 and 443",
         .also = {one.first.field, one.second.field, two.first.field, two.second.field}});
    return;
  }
  for (const auto& pair : shared) {
    const std::string number = std::to_string(pair.first.number);
    rules.refuse({.field = pair.second.field,
                  .message = between(pair) ? listeners(pair) + " " + number
                                           : "port " + number + " can't be for http and https at once",
                  .hint = "write another port here or at " + pair.first.field,
                  .also = {pair.first.field}});
  }
}

}  // namespace

Problems validate(const Server& server, bool (*is_name)(std::string_view, bool)) {
  Rules rules;
  (void)rules.name("", server.name);
  rules.host_or_address("host", server.host, is_name);
  Services seen = 0;
  for (const WebService& service : server.web) {
    const std::string field = "web/" + std::string(word_of(kServiceWords, service.kind));
    if ((seen & service.kind) != 0) rules.refuse(field, "is there twice");
    seen |= service.kind;
    rules.port(field + "/http_port", service.http_port);
    rules.port(field + "/https_port", service.https_port);
    rules.address(field + "/probe_address", service.probe_address);
  }
  refuse_shared_ports(server, rules);
  if (server.database) {
    if (server.database->type.empty() || server.database->type.size() > 32 ||
        !only(server.database->type, std::string(kLower) + std::string(kDigits) + "_")) {
      rules.refuse("database/type", printable(server.database->type) + " is not the name of a Drupal database driver",
                   "write mysql for MySQL and MariaDB");
    }
    rules.host_or_address("database/host", server.database->host, is_name);
    rules.port("database/port", server.database->port);
  }
  return rules.take();
}

}  // namespace aegir::registry
