#include "sidecar/cli/api.hpp"

#include <sys/random.h>

#include <array>
#include <chrono>

#include "sidecar/api/codes.hpp"

namespace aegir::client {
namespace {

constexpr int kPauseMilliseconds = 500;  // before a broken connection is made again
constexpr std::chrono::seconds kPatience{60};

std::uint32_t number_at(const Json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_number_unsigned() ? value->get<std::uint32_t>() : 0;
}

Error error_of(const Json& object) {
  Error error{api::code_of(text_at(object, "code")), text_at(object, "detail"), {}, text_at(object, "next")};
  if (const auto place = object.find("place"); place != object.end() && place->is_object()) {
    error.place = {text_at(*place, "file"), number_at(*place, "line"), number_at(*place, "column")};
  }
  return error;
}

std::unexpected<Errors> one(Error error) { return std::unexpected(Errors{std::move(error)}); }

/// What a connection that ends without an answer, each time, means.
std::unexpected<Errors> shut_out(const std::string& socket) {
  return one({Code::kPermission,
              "aegird ends the connection without an answer",
              {socket, 0, 0},
              "the account of a site gets none; as an administrator, look into the log of aegird"});
}

std::unexpected<Errors> interrupted() { return one({Code::kBusy, "interrupted", {}, {}}); }

/// The errors of a problem.
std::unexpected<Errors> errors_of(unsigned status, const std::string& body) {
  const Json problem = Json::parse(body, nullptr, false);
  if (!problem.is_object() || text_at(problem, "code").empty()) {
    const Code code = status == 503 ? Code::kBusy : Code::kInternal;
    return one({code, "aegird answers with status " + std::to_string(status), {}, "look into the log of aegird"});
  }
  const auto all = problem.find("errors");
  if (all == problem.end() || !all->is_array() || all->empty()) return one(error_of(problem));
  Errors errors;
  for (const Json& each : *all) errors.push_back(error_of(each));
  return std::unexpected(std::move(errors));
}

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  std::string key;
  for (const unsigned char byte : bytes) {
    key += "0123456789abcdef"[byte >> 4U];
    key += "0123456789abcdef"[byte & 0xfU];
  }
  return key;
}

/// Takes events off a stream of bytes.
class EventReader {
 public:
  explicit EventReader(const Api::OnEvent& on_event) : on_event_(on_event) {}

  void add(std::string_view bytes) {
    rest_ += bytes;
    for (std::size_t end = 0; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1)) {
      line(std::string_view(rest_).substr(0, end));
    }
  }
  /// A new connection: what was cut short comes again.
  void restart() {
    rest_.clear();
    name_.clear();
    data_.clear();
    id_.clear();
  }
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  [[nodiscard]] const std::optional<Json>& end() const { return end_; }

 private:
  void line(std::string_view text) {
    if (text.empty()) return event();
    const std::size_t colon = std::min(text.find(": "), text.size());
    const std::string_view field = text.substr(0, colon);
    const std::string value(text.substr(std::min(colon + 2, text.size())));
    if (field == "event") name_ = value;
    if (field == "data") data_ = value;
    if (field == "id") id_ = value;
  }

  void event() {
    Json data = Json::parse(data_, nullptr, false);
    if (!id_.empty()) last_id_ = id_;
    if (!name_.empty() && data.is_object()) {
      on_event_(name_, data);
      const std::string state = name_ == "state" ? text_at(data, "state") : std::string();
      if (!state.empty() && state != "queued" && state != "processing") end_ = std::move(data);
    }
    name_.clear();
    data_.clear();
    id_.clear();
  }

  const Api::OnEvent& on_event_;
  std::string rest_;
  std::string name_;
  std::string data_;
  std::string id_;
  std::string last_id_;
  std::optional<Json> end_;
};

}  // namespace

std::string text_at(const Json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4U];
    out += "0123456789ABCDEF"[byte & 0xfU];
  }
  return out;
}

Reply Api::ask(const Ask& ask) const {
  for (int turn = 0;; ++turn) {
    unsigned status = 0;
    std::string body;
    Result<Ending> ending = exchange(socket_, ask, [&](unsigned code, std::string_view piece) {
      status = code;
      body += piece;
      return true;
    });
    if (!ending) return cli::stop(ending);
    if (*ending == Ending::kInterrupted) return interrupted();
    if (*ending == Ending::kBroken || *ending == Ending::kSilent) {
      if (turn == 1) return shut_out(socket_);
      Interrupt::sleep(kPauseMilliseconds);
      continue;
    }
    if (status >= 400) return errors_of(status, body);
    Json value = Json::parse(body, nullptr, false);
    if (value.is_discarded()) {
      return one({Code::kInternal, "the answer is no JSON", {socket_, 0, 0}, "look into the log of aegird"});
    }
    return value;
  }
}

Reply Api::get(const std::string& target) const { return ask({.target = target}); }

Reply Api::post(const std::string& target, const Json& body) const {
  return ask({"POST",
              target,
              body.is_null() ? "" : body.dump(-1, ' ', false, Json::error_handler_t::replace),
              {{"Idempotency-Key", random_key()}}});
}

Reply Api::all(const std::string& target, const std::string& list, const std::string& cursor) const {
  Json entries = Json::array();
  const std::string mark = target.contains('?') ? "&" : "?";
  std::string next;
  do {
    Reply page = get(target + (next.empty() ? "" : mark + cursor + "=" + encoded(next)));
    if (!page) return page;
    const auto part = page->find(list);
    if (part == page->end() || !part->is_array()) {
      return one({Code::kInternal, "the answer has no " + list, {socket_, 0, 0}, "is aegird of another version?"});
    }
    for (Json& entry : *part) entries.push_back(std::move(entry));
    const auto more = page->find("next");
    next = more == page->end() || more->is_null() ? "" : more->is_string() ? more->get<std::string>() : more->dump();
  } while (!next.empty());
  return entries;
}

std::expected<std::optional<Json>, Errors> Api::watch(std::uint64_t task, const OnEvent& on_event) const {
  EventReader reader(on_event);
  auto heard = std::chrono::steady_clock::now();
  bool welcome = false;
  while (!Interrupt::happened()) {
    unsigned status = 0;
    std::string problem;
    Ask ask{.target = "/v1/tasks/" + std::to_string(task) + "/events"};
    if (!reader.last_id().empty()) ask.headers.emplace_back("Last-Event-ID", reader.last_id());
    reader.restart();
    const Result<Ending> ending = exchange(socket_, ask, [&](unsigned code, std::string_view piece) {
      status = code;
      heard = std::chrono::steady_clock::now();
      if (code == 200) {
        welcome = true;
        reader.add(piece);
        return !reader.end().has_value();
      }
      problem += piece;
      return true;
    });
    if (reader.end()) return reader.end();
    if (status >= 400 && status != 503) return errors_of(status, problem);
    // Who was let in before is kept out by nothing but an end of aegird.
    if (!ending && ending.error().code != Code::kBusy && !welcome) return one(ending.error());
    if (ending && *ending == Ending::kSilent && !welcome) return shut_out(socket_);
    if (std::chrono::steady_clock::now() - heard > kPatience) {
      return one({Code::kBusy,
                  "aegird has been away for " + std::to_string(kPatience.count()) + " s",
                  {socket_, 0, 0},
                  "the task goes on when aegird runs again: see `aegir task show " + std::to_string(task) + "`"});
    }
    Interrupt::sleep(kPauseMilliseconds);
  }
  return std::optional<Json>();
}

}  // namespace aegir::client
