// What of a platform's .htaccess nginx does not do. Apache obeys the whole file (it is included verbatim); nginx has
// the rules of compiler/emit/rules instead, and a person who has added to the file must hear what is missing there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// One directive that nginx does not obey.
struct Unobeyed {
  std::size_t line;       ///< of the file, from 1; the first of continued lines
  std::string directive;  ///< as it stands there, blanks made single
  std::string instead;    ///< what may do it in <platform>.local.conf; empty: nothing is known
  bool operator==(const Unobeyed&) const = default;
};

/// Reads the text of a .htaccess that Apache has accepted, and lists in the order of its lines every directive that the
/// rules of a platform of this CMS don't cover. Nothing for the files that come with Drupal 7, 10, 11 and Backdrop; one
/// line for Drupal 8's and 9's, whose static files browsers keep for two weeks and not for a year.
[[nodiscard]] std::vector<Unobeyed> unobeyed_by_nginx(std::string_view text, registry::Cms cms);

}  // namespace aegir::emit
