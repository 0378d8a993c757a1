#include "mod_aegir_apache/body.hpp"

namespace aegir::apache {

int prepare_body(request_rec* request, ap_filter_rec_t* filter) noexcept {
  const apr_off_t limit = ap_get_limit_req_body(request);
  if (apr_table_get(request->headers_in, "Transfer-Encoding") != nullptr) {
    // mod_proxy_fcgi then reads all of it first, from 16 KiB on into a temporary file, and tells PHP its length.
    apr_table_addn(request->subprocess_env, "proxy-sendcl", "1");
    if (limit > 0) {
      ap_add_input_filter_handle(filter, new (apr_palloc(request->pool, sizeof(apr_off_t))) apr_off_t(limit), request,
                                 request->connection);
    }
    return OK;
  }
  const char* const length = apr_table_get(request->headers_in, "Content-Length");
  apr_off_t announced = 0;
  char* end = nullptr;
  if (length == nullptr || limit <= 0 || apr_strtoff(&announced, length, &end, 10) != APR_SUCCESS) return OK;
  if (announced <= limit) return OK;
  ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, request, "a body of %s bytes is above the limit of %" APR_OFF_T_FMT, length,
                limit);
  return HTTP_REQUEST_ENTITY_TOO_LARGE;
}

apr_status_t limit_chunks(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_read_type_e block,
                          apr_off_t wanted) noexcept {
  auto* const left = static_cast<apr_off_t*>(filter->ctx);
  if (*left < 0) return APR_ENOSPC;
  const apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, wanted);
  apr_off_t length = 0;
  if (status != APR_SUCCESS || mode != AP_MODE_READBYTES) return status;
  if (const apr_status_t counted = apr_brigade_length(brigade, 1, &length); counted != APR_SUCCESS) return counted;
  *left -= length;
  if (*left >= 0) return APR_SUCCESS;
  ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, filter->r,
                "a body in chunks is above the limit of %" APR_OFF_T_FMT
                " bytes; mod_proxy calls it 'No space left on device' in the next line",
                ap_get_limit_req_body(filter->r));
  return APR_ENOSPC;
}

}  // namespace aegir::apache
