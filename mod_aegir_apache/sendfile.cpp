#include "mod_aegir_apache/sendfile.hpp"

#include <array>
#include <cstdlib>
#include <memory>

#include "mod_aegir_apache/request.hpp"
#include "mod_aegir_apache/tenant_file.hpp"

namespace aegir::apache {
namespace {

constexpr char kHeader[] = "X-Sendfile";

/// The header's value, taken away from the answer; null when there is none.
[[nodiscard]] const char* take_header(request_rec* request) noexcept {
  const char* name = nullptr;
  for (apr_table_t* const headers : {request->headers_out, request->err_headers_out}) {
    if (const char* const value = apr_table_get(headers, kHeader)) {
      name = value;
      apr_table_unset(headers, kHeader);
    }
  }
  return name;
}

/// What follows `root` in `name`, with its slash; empty when `name` does not lie below it.
[[nodiscard]] std::string_view below(std::string_view name, std::string_view root) noexcept {
  return name.size() > root.size() && name.starts_with(root) && name[root.size()] == '/' ? name.substr(root.size())
                                                                                         : std::string_view{};
}

/// The file that PHP means, as a path in the docroot; null when it is not the site's to send.
[[nodiscard]] const char* own_file(request_rec* request, const Visit& visit, std::string_view name) noexcept {
  std::string_view path = below(name, visit.docroot);
  if (path.empty()) {
    // PHP knows the docroot by the name that it has without links.
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(visit.docroot, nullptr), std::free);
    if (real != nullptr) path = below(name, real.get());
  }
  if (path.empty()) return nullptr;
  const map::PathDecision decision = map::route_path(visit.decision.site, path, {}, true);
  if (decision.verdict != map::PathVerdict::kServe || !decision.static_only) return nullptr;
  return join(request->pool, std::array{std::string_view(visit.docroot), path});
}

/// Fills `brigade` with the file. OK, or the status of the answer.
[[nodiscard]] int put_file(request_rec* request, const char* name, apr_bucket_brigade* brigade) noexcept {
  const Visit* const visit = visit_of(request);
  const char* const path = visit == nullptr ? nullptr : own_file(request, *visit, name);
  if (path == nullptr) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                  "X-Sendfile names %s, which does not lie below files/ or private/ of this site", name);
    return HTTP_NOT_FOUND;
  }
  apr_file_t* file = nullptr;
  if (const int status = open_tenant_file(request, visit->docroot, path, file); status != OK) return status;
  describe_tenant_file(request);
  if (request->status == HTTP_OK) {
    if (const int condition = ap_meets_conditions(request); condition != OK) {
      request->status = condition;
      request->status_line = nullptr;
      return OK;
    }
  }
  insert_tenant_file(request, file, brigade);
  return OK;
}

}  // namespace

apr_status_t send_named_file(ap_filter_t* filter, apr_bucket_brigade* brigade) noexcept {
  request_rec* const request = filter->r;
  if (filter->ctx != nullptr) {  // the rest of what PHP wrote
    apr_brigade_cleanup(brigade);
    return APR_SUCCESS;
  }
  const char* const name = take_header(request);
  if (name == nullptr) {
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
  }
  filter->ctx = request;
  apr_brigade_cleanup(brigade);
  apr_bucket_alloc_t* const memory = request->connection->bucket_alloc;
  const int status = put_file(request, name, brigade);
  if (status != OK) {
    APR_BRIGADE_INSERT_TAIL(brigade, ap_bucket_error_create(status, nullptr, request->pool, memory));
  }
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(memory));
  const apr_status_t passed = ap_pass_brigade(filter->next, brigade);
  // The answer is given; mod_proxy_fcgi would log its refusal as a failure of PHP.
  return status == OK ? passed : APR_SUCCESS;
}

}  // namespace aegir::apache
