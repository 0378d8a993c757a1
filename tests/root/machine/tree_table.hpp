// Ways in which a site's or a platform's tree goes wrong, and what is to become of each: a table, so that a way more is
// a line more.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace aegir::machine {

/// What a row works with: an installed site a.example of uid 611000 on a platform, and the paths of both.
struct TreePlace {
  std::string docroot;  ///< of a Composer project: its parent is the project
  std::string site;
};

/// One way. `damage` runs as root.
struct TreeRow {
  std::string name;
  std::function<void(const TreePlace&)> damage;
  std::string path;          ///< below the docroot: what is looked at afterwards
  std::string expect;        ///< "2775 610001:610001" as MachineTest::owner_and_mode() says it; empty: see `refusal`
  std::string list = {};     ///< the access list afterwards, in the short form of setfacl; empty: none
  std::string refusal = {};  ///< what the error about `path` says; then nothing of it has changed
};

[[nodiscard]] const std::vector<TreeRow>& tree_rows();

}  // namespace aegir::machine
