// The packages of a site or platform as drushrc.php has them, in the form that Aegir 3 gave them and scripts read.
#pragma once

#include "compiler/core/php_literal.hpp"
#include "compiler/emit/drupal.hpp"

namespace aegir::emit {

/// $options['packages'] of a site: 'platforms', 'profiles', 'modules', 'themes', and 'libraries', which Aegir 3 lacks.
[[nodiscard]] php::Array site_packages(const SiteFacts& facts);

/// $options['packages'] of a platform: 'base' (the core, and profiles), 'sites-all' (what else all sites can use) and
/// 'profiles' (what each brings), each with 'modules', 'themes' and 'libraries'. What is hidden is left out.
[[nodiscard]] php::Array platform_packages(const registry::Platform& platform, const registry::Codebase& codebase);

}  // namespace aegir::emit
