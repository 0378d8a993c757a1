#include "mod_aegir_apache/status.hpp"

#include <unistd.h>

#include <array>
#include <cstring>

#include "compiler/map/answer.hpp"
#include "mod_aegir_apache/conf.hpp"

namespace aegir::apache {

int show_status(request_rec* request) noexcept {
  if (std::strcmp(request->handler, kStatusHandler) != 0) return DECLINED;
  ap_allow_standard_methods(request, REPLACE_ALLOW, M_GET, -1);
  if (request->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  const Shared& shared = *server_conf(request->server).shared;
  if (shared.counters == nullptr || shared.live == nullptr) return HTTP_SERVICE_UNAVAILABLE;

  const auto snapshot = shared.live->snapshot(static_cast<std::uint64_t>(apr_time_sec(request->request_time)));
  std::array<char, map::kStatusSize> out;
  const std::string_view text = map::write_status(*shared.counters, snapshot.get(), shared.live->refusals(), ::getpid(),
                                                  shared.configuration, out);
  ap_set_content_type(request, c_string(map::kStatusType));
  apr_table_setn(request->headers_out, "Cache-Control", "no-store");
  ap_set_content_length(request, static_cast<apr_off_t>(text.size()));
  ap_rwrite(text.data(), static_cast<int>(text.size()), request);
  return OK;
}

}  // namespace aegir::apache
