// Actors and verbs: who may ask aegird for what, each verb by each actor over the real socket.
#include <algorithm>
#include <iostream>

#include "sidecar/api/requests.hpp"
#include "sidecar/api/words.hpp"
#include "tests/root/sidecar/shared_lab.hpp"

namespace aegir::sidecar {
namespace {

using nlohmann::json;

struct Actor {
  std::string name;
  uid_t uid;
  gid_t gid;
  std::string groups;
  int expected;  ///< status: 0 is no answer at all
};

class Actors : public SharedLab {
 protected:
  static constexpr const char* kUri = "actors.example";

  static live::Finished post(const Actor& actor, const std::string& path, const json& body) {
    std::vector<std::string> argv = {"setpriv", "--reuid=" + std::to_string(actor.uid),
                                     "--regid=" + std::to_string(actor.gid)};
    argv.push_back(actor.groups.empty() ? "--clear-groups" : "--groups=" + actor.groups);
    argv.insert(argv.end(),
                {"curl", "-s", "-m", "30", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d",
                 body.dump(), "--unix-socket", api_socket(lab().config()), "http://localhost" + path});
    return live::run(argv);
  }
  static int status_of(const live::Finished& answer) {
    return std::stoi(answer.output.substr(answer.output.rfind('\n') + 1));
  }

  /// What the verb can be asked with here.
  static json wish_of(const api::VerbForm& form) {
    const std::string kind(registry::word_of(api::kKindWords, form.kind));
    json wish = {{"kind", kind}, {"verb", form.verb}};
    const std::map<std::string, std::string> objects = {
        {"server", "main"}, {"block", "php"}, {"platform", "p1"}, {"client", "acme"}, {"site", kUri}};
    if (form.kind == registry::ObjectKind::kRegistry) return wish;  // there is one
    wish["object"] = form.makes ? "new." + kind + ".example" : objects.at(kind);
    if (form.makes && kind != "site") wish["object"] = "new";
    if (kind == "platform" && form.makes) wish["request"] = {{"docroot", lab().docroot()}, {"server", "main"}};
    if (kind == "site" && form.makes) wish["request"] = {{"platform", "p1"}};
    return wish;
  }
  static std::uint64_t last_task_id() {
    const json list = json::parse(lab().must_aegir({"task", "list", "--limit", "1", "--output", "json"}));
    return list.at("tasks").at(0).at("id").get<std::uint64_t>();
  }
};

TEST_F(Actors, AndVerbs) {
  install(kUri);
  const auto slot = json::parse(lab().must_aegir({"site", "show", kUri, "--output", "json"})).at("slot");
  const uid_t site = Lab::kFirstSlot + slot.at("number").get<uid_t>();
  const std::vector<Actor> actors = {
      {"root", 0, 0, "", 200},
      {"group aegir-admin, by its name", kMember, kMember, "", 200},
      {"group aegir-admin, by its process", kInGroupAegir, kAdmins, "", 200},
      {"a site's uid", site, site, "", 0},
      {"a site's uid in group aegir-admin", site, kAdmins, std::to_string(kAdmins), 0},
      {"group aegir", kInGroupAegir, kInGroupAegir, std::to_string(Lab::kAegir), 403},
      {"group aegir, as its own", kInGroupAegir, Lab::kAegir, "", 403},
      {"nobody", kNobody, kNobody, "", 403},
  };
  const std::uint64_t before = last_task_id();
  std::string table;
  for (const Actor& actor : actors) {
    std::string row;
    for (const api::VerbForm& form : api::verb_forms()) {
      json wish = wish_of(form);
      // Who may is asked whether he could: the verbs themselves have tests of their own. Who may not really tries.
      if (actor.expected == 200) wish["dry_run"] = true;
      const live::Finished answer = post(actor, "/v1/tasks", wish);
      const int status = status_of(answer);
      row += ' ' + std::to_string(status);
      if (actor.expected == 200) {
        EXPECT_TRUE(status == 200 || status == 409) << actor.name << ' ' << wish.dump() << ' ' << answer.output;
      } else {
        EXPECT_EQ(status, actor.expected) << actor.name << ' ' << wish.dump() << ' ' << answer.output;
        EXPECT_EQ(answer.output.find("may not administrate") != std::string::npos, status == 403) << answer.output;
      }
    }
    table += row + "  " + actor.name + '\n';
  }
  std::cout << "columns:";
  for (const api::VerbForm& form : api::verb_forms()) {
    std::cout << ' ' << registry::word_of(api::kKindWords, form.kind) << '-' << form.verb;
  }
  std::cout << '\n' << table;
  EXPECT_EQ(last_task_id(), before) << "who may not has put something into the queue";
}

TEST_F(Actors, AMembersTaskBearsHisName) {
  const live::Finished answer = post({"keeper", kMember, kMember, "", 202}, "/v1/tasks",
                                     {{"kind", "client"}, {"verb", "add"}, {"object", "keepers"}});
  EXPECT_EQ(status_of(answer), 202) << answer.output;
  EXPECT_EQ(json::parse(answer.output.substr(0, answer.output.rfind('\n'))).at("actor"), "keeper");
}

}  // namespace
}  // namespace aegir::sidecar
