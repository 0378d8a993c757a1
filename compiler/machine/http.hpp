// One question to a web server of this machine: HTTP/1.0, an address, no name service, no redirects.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::machine {

struct Question {
  std::string address;  ///< IPv4 or IPv6, as text
  std::uint16_t port = 80;
  std::string host;  ///< for the Host header
  std::string path;
  std::string headers = {};  ///< more lines of the request, each with its end
};

struct Answer {
  int status = 0;
  std::string head;  ///< status line and headers
  std::string body;  ///< cut after 64 KiB, the head counted

  /// The value of the first header of that name, in any case, without blanks around it. Empty: there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// kNotFound when nobody listens there; kBusy when there is no answer within `patience`.
[[nodiscard]] Result<Answer> ask(const Question& question, std::chrono::milliseconds patience);

}  // namespace aegir::machine
