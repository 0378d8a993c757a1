#include "ngx_aegir/acme.hpp"

#include <algorithm>
#include <array>

#include "compiler/map/route.hpp"
#include "ngx_aegir/request.hpp"

namespace aegir::ngx {
namespace {

using namespace std::string_view_literals;

/// Opens a regular file below `root`; symbolic links only of their target's owner. `path` is zero-terminated.
bool open_below(ngx_http_request_t* r, std::string_view root, std::string_view path,
                ngx_open_file_info_t& file) noexcept {
  file = {};
  file.directio = NGX_OPEN_FILE_DIRECTIO_OFF;
  file.disable_symlinks = NGX_DISABLE_SYMLINKS_NOTOWNER;
  file.disable_symlinks_from = root.size();
  ngx_str_t name = str(path);
  return ngx_open_cached_file(nullptr, &name, &file, r->pool) == NGX_OK && file.is_file != 0;
}

ngx_int_t send_file(ngx_http_request_t* r, std::string_view path, const ngx_open_file_info_t& opened) noexcept {
  r->headers_out.status = NGX_HTTP_OK;
  r->headers_out.content_length_n = opened.size;
  r->headers_out.last_modified_time = opened.mtime;
  r->headers_out.content_type = str("text/plain"sv);
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  auto* const buffer = static_cast<ngx_buf_t*>(ngx_pcalloc(r->pool, sizeof(ngx_buf_t)));
  auto* const file = static_cast<ngx_file_t*>(ngx_pcalloc(r->pool, sizeof(ngx_file_t)));
  if (buffer == nullptr || file == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const ngx_int_t sent = ngx_http_send_header(r);
  if (sent == NGX_ERROR || sent > NGX_OK || r->header_only != 0) return sent;
  file->fd = opened.fd;
  file->name = str(path);
  file->log = r->connection->log;
  buffer->file = file;
  buffer->file_last = opened.size;
  buffer->in_file = opened.size > 0 ? 1 : 0;
  buffer->last_buf = r == r->main ? 1 : 0;
  buffer->last_in_chain = 1;
  ngx_chain_t out{buffer, nullptr};
  return ngx_http_output_filter(r, &out);
}

}  // namespace

ngx_int_t serve_acme(ngx_http_request_t* r, const ServerConf& conf, std::string_view docroot) noexcept {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) return NGX_HTTP_NOT_ALLOWED;
  const ngx_int_t discarded = ngx_http_discard_request_body(r);
  if (discarded != NGX_OK) return discarded;
  for (const std::string_view root : {view(conf.acme_root), docroot}) {
    if (root.empty()) continue;
    const std::string_view path = join(r, std::array{root, view(r->uri), "\0"sv});
    if (path.data() == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_open_file_info_t file;
    const std::string_view name = path.substr(0, path.size() - 1);
    if (open_below(r, root, name, file)) return send_file(r, name, file);
  }
  return NGX_HTTP_NOT_FOUND;
}

}  // namespace aegir::ngx
