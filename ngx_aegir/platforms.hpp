// The server blocks of platforms (aegir_platform): no listener leads to them, a request enters the one of its site's
// platform once its host is decided. So each platform has its own locations, limits, logs and error pages. A site that
// differs from its platform has a block of its own, which goes before. It is found by the site and not by its names, so
// that an alias is right at once, whoever had it before.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/map/reader.hpp"
#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// One server block. A table is an array of these, found by hash; `ctx` is null where none stands.
struct PlatformBlock {
  std::uint32_t id;
  std::string_view site;  ///< uri of the one site that it is for; empty: all of the platform
  ngx_http_conf_ctx_t* ctx;
};

/// All blocks of a configuration. Lives in the configuration's pool.
struct PlatformTable {
  PlatformBlock* blocks;
  std::uint32_t mask;   ///< number of places, a power of two, - 1; at least half of them are free
  std::uint32_t shift;  ///< of a hash of 32 bits to a place
  bool has_sites;       ///< some block is one site's

  /// The site's own block, else its platform's; null: there is none.
  [[nodiscard]] ngx_http_conf_ctx_t* find(std::uint32_t id, std::string_view site) const noexcept;
};

/// Collects the blocks once all of them were read. Refuses two of one platform, and two of one site on it.
[[nodiscard]] bool make_platform_table(ngx_conf_t* cf, PlatformTable& table) noexcept;

/// Setter of aegir_platform. nginx gives a server without "listen" one on port 80; this one gets none.
char* set_platform(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

/// Gives a client's request the configuration of its site's or platform's block, before its location is looked for.
/// Internal redirects, named locations and subrequests stay in it, since nginx takes all of them from the request's
/// server. False: there is no such block.
[[nodiscard]] bool enter_platform(ngx_http_request_t* r, const PlatformTable& table, std::uint32_t id,
                                  std::string_view site) noexcept;

}  // namespace aegir::ngx
