#include "compiler/registry/isolation.hpp"

namespace aegir::registry {

std::optional<std::string> sharing_warning(const Site& site, const Block& block) {
  if (block.isolation == Isolation::kSite || site.block != block.name) return std::nullopt;
  std::string text = "site " + site.uri + " is not isolated: it runs in the shared block " + block.name +
                     ", where the code of every site can read the files, data and passwords of the others";
  if (!site.cloaking) text += "; it is uncloaked as well, so that its settings.php alone is enough for that";
  return text;
}

}  // namespace aegir::registry
