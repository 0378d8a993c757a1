// What both emitters of the static form need to know of a site.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/emit/static.hpp"

namespace aegir::emit {

/// Whether files can be named after the site, its platform and its wildcards (see check_names()).
[[nodiscard]] Result<void> check_site_names(const StaticSite& site);

/// The names of a site, told by what happens to them.
struct SortedNames {
  std::vector<std::string> served;
  std::map<std::string, std::vector<std::string>> redirected;  ///< by target
};
/// A wildcard that redirects to a name which it stands for serves that name: a redirect must not lead to itself.
[[nodiscard]] SortedNames sort_names(const StaticSite& site);

/// Those of `names` for which a server answers with one certificate. The first certificate is for all that no other
/// one is for.
[[nodiscard]] SortedNames names_of(const SortedNames& names, const Certificate& certificate,
                                   const std::vector<Certificate>& certificates);

/// The copies of the certificates, which are secret.
[[nodiscard]] std::vector<File> certificate_files(const Config& config, const registry::Server& server,
                                                  const std::vector<Certificate>& certificates);

/// A host name as a regular expression.
[[nodiscard]] std::string as_pattern(std::string_view host);
/// Alternatives, without parentheses.
[[nodiscard]] std::string as_patterns(const std::vector<std::string>& hosts);

/// The line of a password file: user and a hash of crypt(3). Its salt comes from the uri: one model gives one text.
[[nodiscard]] Result<std::string> password_line(const registry::Site& site);

/// The text of the page of a gate on one line.
[[nodiscard]] std::string gate_page(registry::SiteState state);

}  // namespace aegir::emit
