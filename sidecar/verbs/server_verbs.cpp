// server add, verify; client add.
#include <algorithm>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/import_fields.hpp"
#include "sidecar/verbs/machine_steps.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::NewTask;
using tasks::Work;

template <class Object>
Result<bool> has(Result<std::vector<Object>> all, const std::string& name) {
  if (!all) return pass(all);
  return std::ranges::find(*all, name, &Object::name) != all->end();
}

/// Reads an object of the registry from a request.
template <class Object>
Result<Object> parse(const NewTask& task) {
  Object object;
  object.name = task.object;
  Result<void> read =
      read_request(task.request, [&](registry::ObjectReader& in) { registry::read_fields(in, object); });
  if (!read) return pass(read);
  return object;
}

constexpr const char* kTrial = "trial";

/// Proves that sites' databases can be made there; nothing for a server without a database service.
Result<void> try_database(Services& services, Work& work, const registry::Server& server) {
  if (!server.database) return {};
  const database::Server databases = services.database_server(server);
  // Where nobody comes in nothing is left either.
  const Result<std::string> version = databases.version();
  if (!version) return std::unexpected<Error>(version.error());
  const std::string trial = database::Server::trial_name();
  work.memo()[kTrial] = trial;
  if (Result<void> kept = work.keep(); !kept) return kept;
  if (Result<void> proved = databases.verify(trial); !proved) return proved;
  work.memo().erase(kTrial);
  work.log(registry::LogLevel::kInfo, "database server of version " + *version);
  return {};
}

/// Takes away what a try that did not come to its end has left.
Result<void> forget_trial(Services& services, Work& work, const registry::Server& server) {
  if (!work.memo().contains(kTrial)) return {};
  const auto trial = work.memo().at(kTrial).get<std::string>();
  const Result<database::Removed> removed = services.database_server(server).drop(trial, trial);
  if (removed) return {};
  const Error& error = removed.error();
  if (error.code == Code::kIo || error.code == Code::kBusy) return std::unexpected(error);
  // Who may not do that may often not make it either, and a person has to let him first.
  work.log(registry::LogLevel::kWarning, "nobody can see to it that the trial database '" + trial +
                                             "' is gone: " + describe(error) + "\n`aegir reconcile` names it");
  return {};
}

class ServerAdd final : public tasks::Verb {
 public:
  explicit ServerAdd(Services& services) : services_(services) {}

  [[nodiscard]] std::string name() const override { return "add"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kServer; }
  [[nodiscard]] Result<tasks::Locks> locks(const NewTask& task, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    Result<registry::Server> server = parse<registry::Server>(task);
    if (!server) return pass(server);
    const Result<bool> there = has(store.servers(), task.object);
    if (!there) return std::unexpected<Error>(there.error());
    if (*there) {
      return fail(Code::kConflict, "there is a server " + printable(task.object) + " already", "choose another name");
    }
    return {};
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    const auto with_server = [this](Result<void> (*body)(Services&, Work&, const registry::Server&)) {
      return [this, body](Work& work) -> Result<void> {
        Result<registry::Server> server = parse<registry::Server>(work.task());
        return server ? body(services_, work, *server) : pass(server);
      };
    };
    saga.before = {{"database", with_server(&try_database), with_server(&forget_trial)}};
    saga.commit = {"add", [](Work& work, registry::Store&, registry::Writer& writer) -> Result<void> {
                     Result<registry::Server> server = parse<registry::Server>(work.task());
                     if (!server) return pass(server);
                     return writer.put(*server);
                   }};
    saga.after = {publish_step(services_), bring_servers_step(services_)};
    return saga;
  }

 private:
  Services& services_;
};

class ServerVerify final : public tasks::Verb {
 public:
  explicit ServerVerify(Services& services) : services_(services) {}

  [[nodiscard]] std::string name() const override { return "verify"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kServer; }
  [[nodiscard]] Result<tasks::Locks> locks(const NewTask& task, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    const Result<bool> there = has(store.servers(), task.object);
    if (!there) return std::unexpected<Error>(there.error());
    if (*there) return {};
    return fail(Code::kNotFound, "there is no server " + printable(task.object), "see `aegir server list`");
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    const auto with_server = [this](Result<void> (*body)(Services&, Work&, const registry::Server&)) {
      return [this, body](Work& work) -> Result<void> {
        Result<std::vector<registry::Server>> servers =
            services_.store().with([](registry::Store& store) { return store.servers(); });
        if (!servers) return pass(servers);
        const auto server = std::ranges::find(*servers, work.task().object, &registry::Server::name);
        return server == servers->end() ? Result<void>() : body(services_, work, *server);
      };
    };
    saga.before = {{"database", with_server(&try_database), with_server(&forget_trial)}};
    saga.commit = {"record", [](Work&, registry::Store&, registry::Writer&) -> Result<void> { return {}; }};
    saga.after = {publish_step(services_), bring_servers_step(services_)};
    return saga;
  }

 private:
  Services& services_;
};

class ClientAdd final : public tasks::Verb {
 public:
  [[nodiscard]] std::string name() const override { return "add"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kClient; }
  [[nodiscard]] Result<tasks::Locks> locks(const NewTask& task, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    Result<registry::Client> client = parse<registry::Client>(task);
    if (!client) return pass(client);
    const Result<bool> there = has(store.clients(), task.object);
    if (!there) return std::unexpected<Error>(there.error());
    if (*there) {
      return fail(Code::kConflict, "there is a client " + printable(task.object) + " already", "choose another name");
    }
    return {};
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.commit = {"add", [](Work& work, registry::Store&, registry::Writer& writer) -> Result<void> {
                     Result<registry::Client> client = parse<registry::Client>(work.task());
                     if (!client) return pass(client);
                     return writer.put(*client);
                   }};
    return saga;
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> server_add(Services& services) { return std::make_unique<ServerAdd>(services); }
std::unique_ptr<tasks::Verb> server_verify(Services& services) { return std::make_unique<ServerVerify>(services); }
std::unique_ptr<tasks::Verb> client_add(Services&) { return std::make_unique<ClientAdd>(); }

}  // namespace aegir::verbs
