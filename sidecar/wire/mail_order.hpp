// What aegird is asked for when somebody is to get a mail.
#pragma once

#include <string>
#include <tuple>

#include "compiler/core/codec.hpp"

namespace aegir::wire {

/// A mail for the mail program of this machine.
struct MailOrder {
  std::string recipient;  ///< an address and nothing else: web@acme.example
  std::string text;       ///< header and body, lines end with LF
};
constexpr auto fields(Of<MailOrder> auto& value) { return std::tie(value.recipient, value.text); }

}  // namespace aegir::wire
