// People's own configuration files beside ours: where they are included, and which are left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {

/// Whether a person's file is left out, since its server refuses it.
[[nodiscard]] bool is_left_out(const Surroundings& surroundings, std::string_view path);

/// The path of a file that need not be there, as a pattern, which may match nothing. The brackets stand in its folder's
/// name: in its own, each of them would have the server read the whole folder, and that as often as there are sites.
[[nodiscard]] std::string may_be_missing(std::string path);

/// Includes the *.conf files of `folder` (with a slash at its end): all by a pattern or, when one is left out, the
/// others by name. `before` and `after` make a directive that does not mind when there is no such file.
void include_people(Text& text, Literal before, std::string_view folder, Literal after,
                    const Surroundings& surroundings);

/// The same for vhost.d, but for the <uri>.local.conf files of sites, which their own servers include.
void include_peoples_hosts(Text& text, Literal before, std::string_view folder, Literal after, const Model& model);

/// Where a site's own server stands, and what a person adds to it. (The at sign, which no host name has, keeps the name
/// from ending in ".conf".)
[[nodiscard]] inline std::string own_site_file(std::string_view uri) { return "vhost.d/" + std::string(uri) + "@site"; }
[[nodiscard]] inline std::string own_site_local(std::string_view uri) {
  return "vhost.d/" + std::string(uri) + ".local.conf";
}

}  // namespace aegir::emit
