// Who and where: the accounts of a configuration as numbers, and the names below its directories.
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>

#include "compiler/core/config.hpp"

namespace aegir {
namespace {

bool to_id(std::string_view text, std::uint32_t& id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size();
}

Result<uid_t> user_id(const std::string& name, std::string_view key) {
  uid_t id = 0;
  if (!to_id(name, id)) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) {
      return fail(Code::kNotFound, "there is no user '" + name + "' (" + std::string(key) + ")",
                  "run 'aegir setup', or set " + std::string(key) + " in the configuration to a user's name or number");
    }
    id = entry->pw_uid;
  }
  if (id == 0) return fail(Code::kInvalid, std::string(key) + " must not be root");
  return id;
}

Result<gid_t> group_id(const std::string& name, std::string_view key) {
  gid_t id = 0;
  if (!to_id(name, id)) {
    const group* entry = ::getgrnam(name.c_str());
    if (entry == nullptr) {
      return fail(
          Code::kNotFound, "there is no group '" + name + "' (" + std::string(key) + ")",
          "run 'aegir setup', or set " + std::string(key) + " in the configuration to a group's name or number");
    }
    id = entry->gr_gid;
  }
  if (id == 0) return fail(Code::kInvalid, std::string(key) + " must not be root's group");
  return id;
}

/// A pattern of the configuration with `value` at each `place`.
std::string filled(std::string pattern, std::string_view place, std::string_view value) {
  for (std::size_t at = 0; (at = pattern.find(place, at)) != std::string::npos; at += value.size()) {
    pattern.replace(at, place.size(), value);
  }
  return pattern;
}

}  // namespace

Result<Accounts> resolve_accounts(const Config& config) {
  Result<uid_t> aegir = user_id(config.aegir_user, "aegir_user");
  if (!aegir) return pass(aegir);
  Result<gid_t> aegir_group = group_id(config.aegir_group, "aegir_group");
  if (!aegir_group) return pass(aegir_group);
  Result<uid_t> web = user_id(config.web_user, "web_user");
  if (!web) return pass(web);
  Result<gid_t> web_group = group_id(config.web_group, "web_group");
  if (!web_group) return pass(web_group);
  if (*aegir == *web || *aegir_group == *web_group) {
    return fail(Code::kInvalid, "aegir_user and web_user, and their groups, must differ",
                "a web server that runs as aegir could change every site");
  }
  return Accounts{*aegir, *aegir_group, *web, *web_group};
}

std::string server_config_dir(const Config& config, std::string_view server) {
  return config.config_dir + "/server_" + std::string(server);
}

std::string api_socket(const Config& config) { return config.run_dir + "/api/socket"; }

std::string block_socket_dir(const Config& config, std::string_view block) {
  return config.run_dir + "/fpm/" + std::string(block);
}

std::string slot_socket(const Config& config, std::string_view block, std::uint32_t slot) {
  return block_socket_dir(config, block) + "/" + std::to_string(slot) + ".sock";
}

std::string block_php_dir(const Config& config, std::string_view block) {
  return config.config_dir + "/php/" + std::string(block);
}

std::string database_options_file(const Config& config, std::string_view server) {
  return filled(config.database_options, "{server}", server);
}

std::string php_program(std::string pattern, std::string_view version) {
  return filled(std::move(pattern), "{version}", version);
}

std::string slot_home(const Config& config, std::string_view block, std::uint32_t slot) {
  return config.slot_dir + "/" + std::string(block) + "/" + std::to_string(slot);
}

}  // namespace aegir
