// Who answers https on this machine, by the configuration on disk, and what that means for sites that are served by
// https alone: nobody should be led to a port where nobody listens without being told.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/emit/emit.hpp"

namespace aegir::publish {

/// What one web server answers https for.
struct HttpsInForce {
  bool listens = false;
  bool any_name = false;        ///< a person's certificate (folder `default`) stands for all other names
  std::set<std::string> hosts;  ///< those of the other certificates, *.suffix too

  /// Whether a browser is shown a certificate that is meant for `host`, a canonical name.
  [[nodiscard]] bool has_certificate_for(std::string_view host) const;
};

/// Reads it from the files that the compiler has written; where there are none, nobody listens. Any user who may read
/// them can ask: kPermission for others.
[[nodiscard]] Result<HttpsInForce> https_in_force(const Config& config, std::string_view server,
                                                  registry::Service service);

/// Whether visitors of a site are led to https: then it is no use to them without.
[[nodiscard]] bool is_by_https_alone(const registry::Site& site);

/// Looks at sites that are served by https alone, and notes those that browsers can't reach, or are warned of.
class HttpsNotes {
 public:
  /// All of them must outlive it.
  HttpsNotes(const Config& config, const std::vector<registry::Server>& servers,
             const std::vector<registry::Platform>& platforms)
      : config_(config), servers_(servers), platforms_(platforms) {}

  void look(const emit::HttpsSite& site);
  /// One for each server and what is missing there, or can't be read; of many sites the first few.
  [[nodiscard]] std::vector<std::string> take() const;

 private:
  using What = std::pair<std::string, std::string>;  ///< server; what is missing there

  /// Null: it can't be read.
  [[nodiscard]] const HttpsInForce* in_force(const std::string& server, registry::Service service);

  const Config& config_;
  const std::vector<registry::Server>& servers_;
  const std::vector<registry::Platform>& platforms_;
  std::map<std::pair<std::string, registry::Service>, HttpsInForce> read_;
  std::map<What, std::vector<std::string>> sites_;
  std::set<std::string> unread_;
};

/// "a.example, b.example and 3 more".
[[nodiscard]] std::string some_of(const std::vector<std::string>& names);

}  // namespace aegir::publish
