// What web servers write when they refuse their configuration, as one of our errors: the message of the parser, and the
// innermost file and line that it names.
#pragma once

#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::machine {

/// `output` is what httpd wrote before it ended, its log after it. Without anything that is known, the message is all
/// of it.
[[nodiscard]] Error apache_error(std::string_view output);

[[nodiscard]] Error nginx_error(std::string_view output);

/// Takes "/path/to/file:12: ", with which httpd begins when a section is not closed, away from a message. False when it
/// does not begin so.
bool take_place(std::string_view& message, Place& place);

}  // namespace aegir::machine
