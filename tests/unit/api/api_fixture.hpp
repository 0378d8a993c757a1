// The service on a small registry, with verbs that do what a test says.
#pragma once

#include <gmock/gmock.h>

#include <map>

#include "sidecar/api/json.hpp"
#include "sidecar/api/routes.hpp"
#include "sidecar/api/service.hpp"
#include "tests/unit/tasks/tasks_fixture.hpp"

namespace aegir::api {

using registry::need;

inline constexpr std::string_view kCanary = "canary-7d1f";  ///< part of every secret of the registry

/// Site verbs whose one step says the lines that are kept for the object and waits at its door, if it has one. Objects
/// that begin with "bad" fail; login's result is a link.
class World {
 public:
  World() : queue_([this] { return verbs(); }) {
    need(queue_.store->with([](registry::Store& store) {
      return store.transact(registry::kTester, [](registry::Writer& writer) -> Result<void> {
        need(writer.put(registry::test_server()));
        need(writer.put(registry::Client{"acme", "Acme", "web@acme.example"}));
        need(writer.put(registry::test_platform()));
        registry::Site shop = registry::test_site("shop.example");
        shop.client = "acme";
        shop.aliases = {{"www.shop.example", ""}};
        shop.http_auth = registry::HttpAuth{"guest", std::string(kCanary) + "-auth"};
        shop.database.password = std::string(kCanary) + "-database";
        shop.cron_key = std::string(kCanary) + "-cron";
        shop.hash_salt = std::string(kCanary) + "-salt";
        need(writer.put(shop));
        registry::Site gone = registry::test_site("gone.example");
        need(writer.put(gone));
        gone.state = registry::SiteState::kDeleted;
        need(writer.put(gone));
        need(writer.put(registry::test_site("blog.example")));
        need(writer.put(registry::Block{"php", "web1", "8.2", "", 300000, 9, 5}));
        registry::Codebase code;
        code.version = "10.6.15";
        code.profiles = {{"standard", "Standard", "", "10.6.15", "core/profiles/standard", false, {"en", "de"}}};
        code.packages = {{registry::PackageKind::kModule, "node", "Node", "10.6.15", 8000, false, "core/modules/node"},
                         {registry::PackageKind::kTheme, "stark", "Stark", "", {}, false, "core/themes/stark"}};
        need(writer.put_codebase("d10", code));
        return writer.put_packages("shop.example", {{registry::PackageKind::kModule, "gone", "", "", 8001, true, ""},
                                                    {registry::PackageKind::kModule, "node", "", "", 8013, true, ""}});
      });
    }));
  }

  tasks::Queue& queue() { return queue_; }
  Service& service() { return service_; }
  tasks::Record& record() { return record_; }
  tasks::Door& door(const std::string& object) { return doors_[object]; }
  void say(const std::string& object, std::vector<std::string> lines) { lines_[object] = std::move(lines); }

  /// Asks as root.
  Answer ask(const std::string& method, const std::string& target, const std::string& body = "", Headers headers = {}) {
    if (method == "POST") headers.emplace_back("content-type", "application/json");
    return answer(service_, root(), {method, target, std::move(headers), body});
  }
  Json get(const std::string& target) {
    const Answer given = ask("GET", target);
    if (given.status != 200) throw std::runtime_error(target + ": " + given.body);
    return Json::parse(given.body);
  }
  /// Puts a verb into the queue; its task's number.
  std::uint64_t start(const std::string& verb, const std::string& object) {
    const Answer given = ask("POST", "/v1/tasks", Json{{"kind", "site"}, {"verb", verb}, {"object", object}}.dump());
    if (given.status != 202) throw std::runtime_error(given.body);
    return Json::parse(given.body).at("id").get<std::uint64_t>();
  }

  static Actor root() { return {0, "root", Right::kAll, "aegir-admin"}; }
  static Actor nobody() { return {65534, "nobody", Right::kHealth, "aegir-admin"}; }

 private:
  std::vector<std::unique_ptr<tasks::Verb>> verbs() {
    const auto saga = [this](const registry::Task& task) {
      const auto body = [this, object = task.object, verb = task.verb](tasks::Work& work) -> Result<void> {
        for (const std::string& line : lines_[object]) work.log(registry::LogLevel::kInfo, line);
        (void)work.flush();
        record_.add(object);
        if (const auto door = doors_.find(object); door != doors_.end()) door->second.pass();
        if (object.starts_with("bad")) return fail(Code::kIo, "it is bad", "mend it");
        if (verb == "login") work.hand_out("http://" + object + "/user/reset/1/x/login");
        return {};
      };
      return tasks::Saga{
          {tasks::step("look", [](tasks::Work&) -> Result<void> { return {}; }), tasks::step("work", body)},
          tasks::empty_commit(),
          {}};
    };
    std::vector<std::unique_ptr<tasks::Verb>> all;
    for (const char* name : {"install", "verify", "disable", "enable", "delete", "login"}) {
      auto verb = std::make_unique<tasks::TestVerb>(name, saga);
      verb->collapses_ = verb->name() != "login";
      all.push_back(std::move(verb));
    }
    return all;
  }

  // What the steps use outlives the engine, whose threads use it.
  std::map<std::string, std::vector<std::string>> lines_;
  std::map<std::string, tasks::Door> doors_;
  tasks::Record record_;
  tasks::Queue queue_;
  Service service_{*queue_.engine, *queue_.store};
};

}  // namespace aegir::api
