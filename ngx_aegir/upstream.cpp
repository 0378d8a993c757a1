#include "ngx_aegir/upstream.hpp"

#include <sys/un.h>

#include <new>

#include "ngx_aegir/request.hpp"

namespace aegir::ngx {
namespace {

using namespace std::string_view_literals;

/// Lives in the request's pool.
struct Peer {
  sockaddr_un address{};
  ngx_str_t name{};
};

ngx_int_t get_peer(ngx_peer_connection_t* connection, void* data) noexcept {
  auto& peer = *static_cast<Peer*>(data);
  connection->sockaddr = reinterpret_cast<sockaddr*>(&peer.address);
  connection->socklen = sizeof peer.address;
  connection->name = &peer.name;
  return NGX_OK;
}

/// There is no other one to try.
void free_peer(ngx_peer_connection_t* connection, void* /*data*/, ngx_uint_t /*state*/) noexcept {
  connection->tries = 0;
}

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* /*conf*/) noexcept {
  Kept* const kept = find_kept(r);
  if (kept == nullptr || !kept->has_site()) return NGX_ERROR;
  const map::SiteView& site = kept->site();
  if (!site.sealed.empty() && credentials_of(r, *kept) == nullptr) return NGX_ERROR;
  void* const memory = ngx_palloc(r->pool, sizeof(Peer));
  if (memory == nullptr) return NGX_ERROR;
  auto* const peer = new (memory) Peer;
  if (site.socket.empty() || site.socket.size() >= sizeof peer->address.sun_path) {
    const ngx_str_t host = str(site.host);
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aegir: %V has no socket for PHP, or one with too long a path; next: aegirc publish", &host);
    return NGX_ERROR;
  }
  peer->address.sun_family = AF_UNIX;
  site.socket.copy(peer->address.sun_path, site.socket.size());
  peer->name = str(site.socket);
  ngx_peer_connection_t& connection = r->upstream->peer;
  connection.data = peer;
  connection.get = get_peer;
  connection.free = free_peer;
  connection.tries = 1;
  return NGX_OK;
}

ngx_int_t init_upstream(ngx_conf_t* /*cf*/, ngx_http_upstream_srv_conf_t* upstream) noexcept {
  upstream->peer.init = init_peer;
  return NGX_OK;
}

}  // namespace

bool add_upstream(ngx_conf_t* cf) noexcept {
  ngx_url_t url{};
  url.host = str("aegir_fpm"sv);
  ngx_http_upstream_srv_conf_t* const upstream = ngx_http_upstream_add(cf, &url, NGX_HTTP_UPSTREAM_CREATE);
  if (upstream == nullptr) return false;
  upstream->peer.init_upstream = init_upstream;
  return true;
}

}  // namespace aegir::ngx
