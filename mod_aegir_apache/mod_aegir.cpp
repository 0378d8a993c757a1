// mod_aegir: Apache httpd serves the sites of a site map from one catch-all virtual host. This file is the module's
// record and its hooks; README.md has the directives.
#include "mod_aegir_apache/body.hpp"
#include "mod_aegir_apache/conf.hpp"
#include "mod_aegir_apache/htaccess.hpp"
#include "mod_aegir_apache/httpd.hpp"
#include "mod_aegir_apache/php.hpp"
#include "mod_aegir_apache/request.hpp"
#include "mod_aegir_apache/sendfile.hpp"
#include "mod_aegir_apache/status.hpp"

namespace {

using namespace aegir::apache;

void register_hooks(apr_pool_t* /*pool*/) noexcept {
  ap_hook_check_config(check_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(post_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_child_init(child_init, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_read_request(post_read_request, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  static const char* const kTls[] = {"mod_ssl.c", nullptr};
  static const char* const kBeforeTls[] = {"mod_setenvif.c", nullptr};
  ap_hook_post_read_request(before_tls, kBeforeTls, kTls, APR_HOOK_MIDDLE);
  ap_hook_post_read_request(after_tls, kTls, nullptr, APR_HOOK_MIDDLE);
  ap_hook_quick_handler(answer_early, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_translate_name(translate_name, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_fixups(answer_folder, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_insert_filter(insert_filter, nullptr, nullptr, APR_HOOK_REALLY_LAST);
  ap_hook_handler(choose_handler, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_handler(show_status, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_handler(judge_htaccess, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_register_input_filter(kBodyFilter, limit_chunks, nullptr, AP_FTYPE_RESOURCE);
  ap_register_output_filter(kSendfileFilter, send_named_file, nullptr, AP_FTYPE_RESOURCE);
}

}  // namespace

// AP_DECLARE_MODULE would declare aegir_module once more, for APLOG_USE_MODULE, which httpd.hpp has done. (The type is
// httpd's `module`, by the name that C++20 does not take for the beginning of a module declaration.)
module_struct AP_MODULE_DECLARE_DATA aegir_module = {
    STANDARD20_MODULE_STUFF, nullptr,     nullptr,        create_server_conf,
    merge_server_conf,       kDirectives, register_hooks, AP_MODULE_FLAG_NONE};
