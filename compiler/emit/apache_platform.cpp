// Apache: the <Directory>s of a platform. Its own .htaccess, as Apache has accepted it, stands in the first one word
// for word; what comes after it is what it can't change.
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/rules.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

std::string folder_of(const Config& config, const registry::Platform& platform) {
  return server_config_dir(config, platform.server) + "/apache/platform.d/";
}

}  // namespace

std::string accepted_htaccess_path(const Config& config, const registry::Platform& platform) {
  return folder_of(config, platform) + platform.name + ".htaccess";
}

Result<std::string> apache_platform(const Config& config, const registry::Platform& platform,
                                    const Surroundings& surroundings) {
  if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return pass(ok);
  const std::string field = "platform " + platform.name + ": docroot";
  if (Result<void> ok = check_path(platform.docroot, field); !ok) return pass(ok);
  const std::string local = folder_of(config, platform) + platform.name + ".local.conf";
  const Rules& rules = rules_of(platform.cms);
  Text text(apache);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into <platform>.local.conf.");
  text.line("<Directory ", Value{platform.docroot, field}, ">");
  text.line("    AllowOverride None");
  text.line("    Options FollowSymLinks");
  text.line("    Require all granted");
  text.line("    DirectoryIndex index.php index.html");
  text.line("    # For the APIs of a site; its own password the module keeps to itself.");
  text.line("    CGIPassAuth On");
  const bool has_htaccess = surroundings.accepted.contains(platform.name);
  if (has_htaccess) {
    text.line(
        "    # The .htaccess of the docroot as it was when Apache accepted it: `aegirc verify --platform` reads it.");
    text.line("    Include ", Value{accepted_htaccess_path(config, platform), "config_dir"});
  } else {
    text.line("    FallbackResource /index.php");
  }
  text.line("    LimitRequestBody ", std::uint64_t{platform.body_limit} << 20U);
  text.line("    <FilesMatch \"\\.php$\">");
  text.line("        SetHandler aegir-php");
  text.line("        AcceptPathInfo On");
  if (!has_htaccess && platform.cms != registry::Cms::kOther) {
    text.line("        # Without an .htaccess the scripts of its kind alone, as on nginx.");
    text.line("        <If \"-f %{REQUEST_FILENAME} && %{REQUEST_URI} !~ m#", rules.scripts, "#\">");
    text.line("            Require all denied");
    text.line("        </If>");
  }
  text.line("    </FilesMatch>");
  text.line(
      "    # Closed for every platform of its kind, whatever its .htaccess says; also scripts that would be sent");
  text.line("    # as text, since their names are not those of PHP.");
  text.line("    RedirectMatch 403 \"", rules.closed_paths, "\"");
  text.line("    <FilesMatch \"", rules.closed_ends, "\">");
  text.line("        Require all denied");
  text.line("    </FilesMatch>");
  text.line("    <FilesMatch \"\\.(?!php$)(?i:php[0-9s]?|pht|phtml|phar)$\">");
  text.line("        Require all denied");
  text.line("    </FilesMatch>");
  if (is_left_out(surroundings, local)) {
    text.line("    # Left out, since the server refuses it: ", Value{local, "config_dir"});
  } else {
    text.line("    IncludeOptional ", Value{local, "config_dir"});
  }
  text.line("</Directory>");
  text.line(
      "# What a site's own PHP can write: a link is followed only to what the same user owns. (Apache ignores this");
  text.line("# option in <DirectoryMatch>.) That nothing runs there is the module's business.");
  for (const std::string_view folder : {"files", "private"}) {
    text.line("<Directory ", Value{platform.docroot + "/sites/*/" + std::string(folder), field}, ">");
    text.line("    Options SymLinksIfOwnerMatch");
    text.line("</Directory>");
  }
  return std::move(text).take();
}

}  // namespace aegir::emit
