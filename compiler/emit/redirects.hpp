// The redirects of a platform's .htaccess (mod_alias): Apache obeys them, nginx does not, and a person who asks why a
// URL is answered as it is must hear of both.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aegir::emit {

/// One Redirect, RedirectTemp, RedirectPermanent or RedirectMatch.
struct HtaccessRedirect {
  std::size_t line;       ///< of the file, from 1
  std::string directive;  ///< as it stands there, blanks made single
  bool operator==(const HtaccessRedirect&) const = default;
};

/// Those of `text` whose path or pattern has `path`, in the order of the file; the first is the one that Apache obeys,
/// if the section that it stands in holds. A pattern that only PCRE understands is left out.
[[nodiscard]] std::vector<HtaccessRedirect> redirects_of(std::string_view text, std::string_view path);

}  // namespace aegir::emit
