#include "ngx_aegir/variables.hpp"

#include <array>
#include <charconv>

#include "ngx_aegir/request.hpp"

namespace aegir::ngx {
namespace {

using namespace std::string_view_literals;

/// A variable's text; data is null when the variable has no value.
using Getter = std::string_view (*)(ngx_http_request_t* r, Kept& kept) noexcept;

std::string_view site(ngx_http_request_t* /*r*/, Kept& kept) noexcept { return kept.site().host; }

std::string_view site_directory(ngx_http_request_t* /*r*/, Kept& kept) noexcept { return kept.site().directory; }

std::string_view host(ngx_http_request_t* /*r*/, Kept& kept) noexcept { return kept.decision.host; }

std::string_view http_host(ngx_http_request_t* r, Kept& kept) noexcept {
  auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, map::kHttpHostSize));
  if (memory == nullptr) return {};
  return map::write_http_host(kept.decision, std::span<char, map::kHttpHostSize>(memory, map::kHttpHostSize));
}

std::string_view platform(ngx_http_request_t* /*r*/, Kept& kept) noexcept { return kept.site().platform_name; }

std::string_view probe(ngx_http_request_t* /*r*/, Kept& kept) noexcept {
  return kept.decision.probe ? "1"sv : std::string_view();
}

std::string_view https(ngx_http_request_t* /*r*/, Kept& kept) noexcept {
  return kept.secure ? "on"sv : std::string_view();
}

std::string_view generation(ngx_http_request_t* r, Kept& kept) noexcept {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), kept.site().generation).ptr;
  return join(r, std::array{std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()))});
}

std::string_view php_admin_value(ngx_http_request_t* r, Kept& kept) noexcept {
  auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, map::kPhpLimitsSize));
  if (memory == nullptr) return {};
  return map::write_php_limits(kept.site(), std::span<char, map::kPhpLimitsSize>(memory, map::kPhpLimitsSize));
}

template <std::size_t Field>
std::string_view credential(ngx_http_request_t* r, Kept& kept) noexcept {
  const map::CredentialFields* const fields = credentials_of(r, kept);
  return fields == nullptr ? std::string_view() : (*fields)[Field];
}

struct Variable {
  std::string_view name;
  Getter get;
};

constexpr std::array kVariables = {
    Variable{"aegir_site"sv, site},
    Variable{"aegir_site_dir"sv, site_directory},
    Variable{"aegir_host"sv, host},
    Variable{"aegir_http_host"sv, http_host},
    Variable{"aegir_platform"sv, platform},
    Variable{"aegir_probe"sv, probe},
    Variable{"aegir_https"sv, https},
    Variable{"aegir_generation"sv, generation},
    Variable{"aegir_php_admin_value"sv, php_admin_value},
    Variable{"aegir_db_type"sv, credential<0>},
    Variable{"aegir_db_name"sv, credential<1>},
    Variable{"aegir_db_user"sv, credential<2>},
    Variable{"aegir_db_passwd"sv, credential<3>},
    Variable{"aegir_db_host"sv, credential<4>},
    Variable{"aegir_db_port"sv, credential<5>},
};

void set(ngx_http_variable_value_t* value, std::string_view text) noexcept {
  value->valid = text.data() != nullptr ? 1 : 0;
  value->not_found = text.data() == nullptr ? 1 : 0;
  value->no_cacheable = 0;
  value->len = static_cast<unsigned>(text.size() & 0xfffffffU);
  value->data = str(text).data;
}

/// `data`: index into kVariables. A request that is not decided yet has no value yet: nothing is remembered of it.
ngx_int_t get(ngx_http_request_t* r, ngx_http_variable_value_t* value, uintptr_t data) noexcept {
  Kept* const kept = find_kept(r);
  const bool known = kept != nullptr && kept->has_site();
  set(value, known ? kVariables[data].get(r, *kept) : std::string_view());
  value->no_cacheable = kept == nullptr ? 1 : 0;
  return NGX_OK;
}

/// Has always a value: an empty root would be the root of the file system.
ngx_int_t get_docroot(ngx_http_request_t* r, ngx_http_variable_value_t* value, uintptr_t /*data*/) noexcept {
  const Kept* const kept = find_kept(r);
  const bool known = kept != nullptr && kept->has_site() && !kept->site().docroot.empty();
  set(value, known ? kept->site().docroot : "/nonexistent"sv);
  value->no_cacheable = kept == nullptr ? 1 : 0;
  return NGX_OK;
}

bool add(ngx_conf_t* cf, std::string_view name, ngx_http_get_variable_pt handler, uintptr_t data) noexcept {
  ngx_str_t text = str(name);
  ngx_http_variable_t* const variable = ngx_http_add_variable(cf, &text, 0);
  if (variable == nullptr) return false;
  variable->get_handler = handler;
  variable->data = data;
  return true;
}

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (std::size_t i = 0; i < kVariables.size(); ++i) {
    if (!add(cf, kVariables[i].name, get, i)) return NGX_ERROR;
  }
  return add(cf, "aegir_docroot"sv, get_docroot, 0) ? NGX_OK : NGX_ERROR;
}

}  // namespace aegir::ngx
