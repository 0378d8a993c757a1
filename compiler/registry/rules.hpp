// What the rules for an object's own fields are written with (validate.hpp): a collector of problems, and the rules
// that several objects share.
#pragma once

#include <arpa/inet.h>

#include <string>
#include <string_view>
#include <utility>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {

inline constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view kDigits = "0123456789";

/// Whether every byte of `text` is one of `allowed`.
[[nodiscard]] inline bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Collects problems; each rule adds at most one.
class Rules {
 public:
  void refuse(Problem problem) { problems_.push_back(std::move(problem)); }
  void refuse(std::string field, std::string message, std::string hint = {}) {
    refuse({.field = std::move(field), .message = std::move(message), .hint = std::move(hint)});
  }

  /// Valid UTF-8 without control characters, of a bounded length. False when it is not (and that is noted).
  bool text(std::string field, std::string_view value, std::size_t limit) {
    if (value.size() > limit) {
      refuse(std::move(field),
             "has " + std::to_string(value.size()) + " bytes; at most " + std::to_string(limit) + " are allowed");
      return false;
    }
    const std::size_t bad = find_control_or_bad_utf8(value);
    if (bad == std::string_view::npos) return true;
    refuse(std::move(field), "holds a control character or broken UTF-8 at byte " + std::to_string(bad + 1));
    return false;
  }

  bool name(std::string field, std::string_view value) {
    if (is_object_name(value)) return true;
    refuse(std::move(field), printable(value) + " can't be a name",
           "a name has 1 to 32 of a-z, 0-9, '_' and '-', and begins with a letter or digit");
    return false;
  }

  void range(std::string field, std::uint64_t value, std::uint64_t least, std::uint64_t most, std::string_view unit) {
    if (value >= least && value <= most) return;
    refuse(std::move(field), std::to_string(value) + " is out of range; expected " + std::to_string(least) + " to " +
                                 std::to_string(most) + (unit.empty() ? "" : " ") + std::string(unit));
  }

  void port(std::string field, std::uint16_t value) { range(std::move(field), value, 1, 65535, ""); }

  void host_or_address(std::string field, std::string_view value, bool (*is_name)(std::string_view, bool)) {
    if (!is_name(value, false) && !is_address(value)) {
      refuse(std::move(field), printable(value) + " is neither a host name nor an IP address");
    }
  }

  void address(std::string field, std::string_view value) {
    if (!is_address(value))
      refuse(std::move(field), printable(value) + " is not an IP address", "write 127.0.0.1 or ::1");
  }

  [[nodiscard]] Problems take() { return std::move(problems_); }

 private:
  static bool is_address(std::string_view value) {
    unsigned char bytes[16];
    const std::string copy(value);
    return copy.size() == value.size() && value.find('\0') == std::string_view::npos &&
           (::inet_pton(AF_INET, copy.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, copy.c_str(), bytes) == 1);
  }

  Problems problems_;
};

}  // namespace aegir::registry
