// UTF-8 as the compiler needs it: is it whole, is it free of control characters, how does a person see it in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aegir {

/// Number of bytes of the well-formed UTF-8 sequence (Unicode table 3-7) at the start of `text`; 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) noexcept;

/// Offset of the first control character (U+0000–001F, 007F–009F) or of the first byte that is not well-formed UTF-8;
/// npos when there is none.
[[nodiscard]] std::size_t find_control_or_bad_utf8(std::string_view text) noexcept;

/// The first `most` characters of `text`, control characters and broken bytes as \xNN, and "…" for what is left out.
[[nodiscard]] std::string visible(std::string_view text, std::size_t most);

/// `text` in single quotes for a message: at most 80 characters, control characters and broken bytes as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace aegir
