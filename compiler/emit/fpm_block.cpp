// PHP-FPM: one master a block, one pool a slot.
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

// Environment and temporary places are the slot's own: what lies in a shared /tmp is seen by every site. A page of
// permissions has thousands of fields: max_input_vars is what Backdrop's .htaccess asks for. The OPcache
// is shared by all pools of a master, hence validate_permission, and closed as an API.
void pool(Text& text, const Config& config, const registry::Block& block, std::uint32_t slot) {
  const std::uint32_t uid = block.first_uid + slot;
  const std::string home = slot_home(config, block.name, slot);
  const auto below = [&](std::string_view name) { return home + '/' + std::string(name); };
  text.line();
  text.line("[slot-", slot, "]");
  text.line("user = ", uid);
  text.line("group = ", uid);
  text.line("listen = ", Value{slot_socket(config, block.name, slot), "run_dir"});
  text.line("listen.owner = ", Value{config.web_user, "web_user"});
  text.line("listen.group = ", Value{config.web_group, "web_group"});
  text.line("listen.mode = 0600");
  text.line("pm = ondemand");
  text.line("pm.max_children = ", block.max_children);
  text.line("pm.process_idle_timeout = 60s");
  text.line("pm.max_requests = 1000");
  text.line("clear_env = yes");
  text.line("env[PATH] = ", Value{block_php_dir(config, block.name) + ":/usr/local/bin:/usr/bin:/bin", "config_dir"});
  text.line("env[HOME] = ", Value{below("home"), "slot_dir"});
  for (const Literal name :
       {Literal("env[TMP] = "), Literal("env[TEMP] = "), Literal("env[TMPDIR] = "),
        Literal("php_admin_value[sys_temp_dir] = "), Literal("php_admin_value[upload_tmp_dir] = ")}) {
    text.line(name, Value{below("tmp"), "slot_dir"});
  }
  text.line("php_admin_value[session.save_path] = ", Value{below("sessions"), "slot_dir"});
  text.line("php_admin_value[error_log] = ", Value{below("log/php.log"), "slot_dir"});
  text.line("php_admin_flag[log_errors] = on");
  text.line("php_flag[display_errors] = off");
  text.line("php_value[max_input_vars] = 10007");
  text.line("php_admin_flag[opcache.validate_permission] = on");
  text.line("php_admin_flag[opcache.validate_timestamps] = on");
  text.line("php_admin_value[opcache.revalidate_freq] = 0");
  text.line("php_admin_value[opcache.restrict_api] = /nonexistent");
  text.line("security.limit_extensions = .php");
}

}  // namespace

std::string fpm_block_path(const Config& config, const registry::Block& block) {
  return server_config_dir(config, block.server) + "/php/" + block.name + ".conf";
}

std::string fpm_block_pid(const Config& config, const registry::Block& block) {
  return config.run_dir + "/fpm/" + block.name + ".pid";
}

Result<std::string> fpm_block(const Config& config, const registry::Block& block) {
  if (Result<void> ok = check_name(block.name, "a block's name"); !ok) return pass(ok);
  const std::uint64_t last = std::uint64_t{block.first_uid} + block.slots;
  if (block.slots == 0 || block.first_uid < config.uid_first || last > std::uint64_t{config.uid_last} + 1) {
    return fail(Code::kInvalid,
                "block " + block.name + ": its uids " + std::to_string(block.first_uid) + " and following, " +
                    std::to_string(block.slots) + " in number, are not within " + std::to_string(config.uid_first) +
                    " to " + std::to_string(config.uid_last),
                "choose another first_uid, or widen uid_first and uid_last in the configuration");
  }
  Text text(fpm);
  text.line("; Written by aegirc from the registry. Changes are lost.");
  text.line(
      "; Start the master with its standard error at /dev/null (in a unit: StandardError=null): every program of a "
      "site");
  text.line(
      "; inherits that descriptor, and could write into the journal. This file's error_log has all that the master "
      "says.");
  text.line("[global]");
  text.line("daemonize = no");
  text.line("pid = ", Value{fpm_block_pid(config, block), "run_dir"});
  text.line("error_log = ", Value{config.log_dir + "/php-" + block.name + ".log", "log_dir"});
  text.line("process_control_timeout = 10s");
  for (std::uint32_t slot = 0; slot < block.slots; ++slot) pool(text, config, block, slot);
  return std::move(text).take();
}

}  // namespace aegir::emit
