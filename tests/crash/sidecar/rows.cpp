// The verbs of the matrix, and how the machine comes to where each starts.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "tests/crash/sidecar/matrix.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kStem = "crash";
constexpr const char* kOther = "other";

Wish site(const std::string& verb, const std::string& uri) {
  return {"site", verb, uri, verb == "install" ? json{{"platform", "p1"}} : json::object()};
}

}  // namespace

std::string Matrix::new_name(const char* stem, const char* ending) {
  return last_name_[stem] = stem + std::to_string(++names_) + ending;
}

/// A site of ours in that state; empty: there is none.
std::string Matrix::site_in(const std::string& state) {
  const json sites = world_->lab().api("GET", "/v1/sites?limit=500&state=" + state);
  for (const json& each : sites.at("sites")) {
    const std::string uri = each.at("uri");
    if (uri.starts_with(kStem)) return uri;
  }
  return {};
}

Wish Matrix::for_site(const std::string& verb, const std::string& state) {
  const bool wants_enabled = state == "enabled";
  std::string uri = site_in(state);
  if (uri.empty()) {
    uri = site_in(wants_enabled ? "disabled" : "enabled");
    if (uri.empty()) {
      uri = new_name(kStem, ".example");
      world_->fulfil(site("install", uri));
    }
    if (world_->state_of_site(uri) != state) world_->fulfil(site(wants_enabled ? "enable" : "disable", uri));
  }
  return site(verb, uri);
}

std::string Matrix::state_of_platform() {
  const json platforms = world_->lab().api("GET", "/v1/platforms").at("platforms");
  const auto other = std::ranges::find_if(platforms, [](const json& each) { return each.at("name") == kOther; });
  return other == platforms.end() ? "none" : other->at("state").get<std::string>();
}

Wish Matrix::for_platform(const std::string& verb, const std::string& state) {
  const auto wish = [&](const std::string& asked) {
    return Wish{"platform", asked, kOther,
                asked == "add" ? json{{"docroot", world_->other_docroot()}, {"server", "main"}} : json::object()};
  };
  for (std::string now = state_of_platform(); now != state; now = state_of_platform()) {
    world_->fulfil(wish(now == "none" ? "add" : state == "none" ? "delete" : now == "locked" ? "unlock" : "lock"));
  }
  return wish(verb);
}

std::vector<Row> Matrix::all_rows() {
  const auto install = [this] {
    const std::string& last = last_name_[kStem];
    const bool is_free = !last.empty() && world_->state_of_site(last) == "none";
    return site("install", is_free ? last : new_name(kStem, ".example"));
  };
  // After those that sites get their slots of.
  const auto block = [this] {
    return Wish{"block", "add", new_name("spare", "x"), {{"server", "main"}, {"slots", 1}}};
  };
  std::vector<Row> rows = {{"site install", install},
                           // As late as it can: all that it has made is taken back.
                           {"site install that fails", install, "after probe",
                            [this](const Wish& wish) {
                              live::put(world_->lab().directory(wish.object) + "/local.settings.php",
                                        "<?php http_response_code(500); exit;\n");
                            }},
                           {"site verify", [this] { return for_site("verify", "enabled"); }},
                           {"site login", [this] { return for_site("login", "enabled"); }},
                           {"site disable", [this] { return for_site("disable", "enabled"); }},
                           {"site enable", [this] { return for_site("enable", "disabled"); }},
                           {"site delete", [this] { return for_site("delete", "disabled"); }},
                           {"platform add", [this] { return for_platform("add", "none"); }},
                           {"platform verify", [this] { return for_platform("verify", "enabled"); }},
                           {"platform lock", [this] { return for_platform("lock", "enabled"); }},
                           {"platform unlock", [this] { return for_platform("unlock", "locked"); }},
                           {"platform delete", [this] { return for_platform("delete", "enabled"); }},
                           {"server add",
                            [this] {
                              const std::string name = new_name("server", "x");
                              const Lab& lab = world_->lab();
                              const json main = lab.api("GET", "/v1/servers/main");
                              const std::string own = database_options_file(lab.config(), name);
                              fs::copy_file(database_options_file(lab.config(), "main"), own);
                              if (::chown(own.c_str(), Lab::kAegir, Lab::kAegir) != 0)
                                throw std::runtime_error(own + ": can't be given away");
                              return Wish{"server", "add", name, {{"database", main.at("database")}}};
                            }},
                           {"server verify", [] { return Wish{"server", "verify", "main"}; }},
                           {"block add", block},
                           {"client add", [this] {
                              const std::string name = new_name("client", "x");
                              return Wish{"client", "add", name, {{"email", name + "@client.example"}}};
                            }}};
  return rows;
}

Row Matrix::another_install() {
  return {"another site install", [this] { return site("install", new_name("another", ".example")); }};
}

Row Matrix::row(const std::string& name) {
  for (Row& each : all_rows()) {
    if (each.name == name) return std::move(each);
  }
  throw std::runtime_error("there is no row " + name);
}

}  // namespace aegir::sidecar
