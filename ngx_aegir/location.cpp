#include "ngx_aegir/location.hpp"

#include <cstring>
#include <new>

namespace aegir::ngx {

/// nginx reads a location's configuration once more after it has freed the request and its pool (for the timeout of
/// the connection that is kept). So copies outlive their requests: they are used again, never freed.
struct LocationCopy {
  ngx_http_core_loc_conf_t core;
  ngx_http_complex_value_t from;
  void** confs;  ///< of all modules
  LocationCopy* next;
};

namespace {

using namespace std::string_view_literals;

/// Those that nobody uses: one list for each worker, which has one thread. As long as the most requests at once.
LocationCopy* unused = nullptr;

LocationCopy* take() noexcept {
  if (unused != nullptr) {
    LocationCopy* const copy = unused;
    unused = copy->next;
    return copy;
  }
  void* const memory = ::operator new(sizeof(LocationCopy) + ngx_http_max_module * sizeof(void*), std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* const copy = new (memory) LocationCopy;
  copy->confs = reinterpret_cast<void**>(copy + 1);
  return copy;
}

bool has_docroot_as_root(const ngx_http_core_loc_conf_t& core) noexcept {
  return core.root_lengths != nullptr && core.alias == 0 && view(core.root) == "$aegir_docroot"sv;
}

/// Whether it binds links to their owner by itself, as the block of a platform does below files/ and private/.
bool has_limits(const ngx_http_core_loc_conf_t& core, std::string_view docroot) noexcept {
  if (core.disable_symlinks != NGX_DISABLE_SYMLINKS_NOTOWNER && core.disable_symlinks != NGX_DISABLE_SYMLINKS_ON) {
    return false;
  }
  const ngx_http_complex_value_t* const from = core.disable_symlinks_from;
  return from != nullptr && from->lengths == nullptr && view(from->value) == docroot;
}

}  // namespace

bool fit_location(ngx_http_request_t* r, std::string_view docroot, bool limits, LocationCopy*& copies) noexcept {
  const auto& core =
      *static_cast<const ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  const bool root = has_docroot_as_root(core);
  limits = limits && !has_limits(core, docroot);
  if (!root && !limits) return true;
  LocationCopy* const copy = take();
  if (copy == nullptr) return false;
  copy->next = copies;
  copies = copy;
  std::memcpy(&copy->core, &core, sizeof core);
  std::memcpy(static_cast<void*>(copy->confs), static_cast<const void*>(r->loc_conf),
              ngx_http_max_module * sizeof(void*));
  copy->confs[ngx_http_core_module.ctx_index] = &copy->core;
  r->loc_conf = copy->confs;
  if (root) {
    copy->core.root = str(docroot);
    copy->core.root_lengths = nullptr;
    copy->core.root_values = nullptr;
  }
  if (limits) {
    copy->from = {};
    copy->from.value = str(docroot);
    copy->core.disable_symlinks = NGX_DISABLE_SYMLINKS_NOTOWNER;
    copy->core.disable_symlinks_from = &copy->from;
  }
  return true;
}

void give_back(LocationCopy* copies) noexcept {
  while (copies != nullptr) {
    LocationCopy* const next = copies->next;
    copies->next = unused;
    unused = copies;
    copies = next;
  }
}

}  // namespace aegir::ngx
