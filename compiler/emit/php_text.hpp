// What the emitters of Drupal's files share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/emit/drupal.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {

/// A PHP file that begins with `mark`, a comment.
[[nodiscard]] inline Text php_text(Literal mark) {
  Text text([](std::string_view value) -> Result<std::string> { return php(value); });
  text.line("<?php");
  text.line(mark);
  return text;
}

/// The names and values by which a site is told its database; none when it has none.
[[nodiscard]] inline std::vector<std::pair<std::string, std::string>> credentials_of(const SiteFacts& facts) {
  if (!facts.database) return {};
  const registry::Database& database = facts.site.database;
  return {{"db_type", facts.database->type}, {"db_port", std::to_string(facts.database->port)},
          {"db_host", facts.database->host}, {"db_user", database.user},
          {"db_passwd", database.password},  {"db_name", database.name}};
}

}  // namespace aegir::emit
