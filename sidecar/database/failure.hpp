// What goes wrong at a database server, as one of our errors: what was to be done, what the number means, what to do.
#pragma once

#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::database {

/// Whose account the connection uses: it decides what a refusal means.
enum class Account : std::uint8_t { kAdmin, kSite };

/// An error of libmariadb or the server. `place` names the server, `doing` completes "can't …". No text of a statement
/// that carries a password ever comes back from the server, since statements carry none (password_hash()).
[[nodiscard]] Error failure(std::string_view place, Account account, std::string_view doing, unsigned number,
                            std::string_view text);

/// Whether a connection that failed so may succeed a moment later, when nothing has been sent yet.
[[nodiscard]] bool is_of_the_moment(unsigned number) noexcept;

}  // namespace aegir::database
