#include "sidecar/cli/cli.hpp"

#include <CLI/CLI.hpp>

#include "compiler/core/config.hpp"

namespace aegir::client {
namespace {

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  if (value.empty()) return "-";
  std::string text;
  for (const Json& entry : value) text += (text.empty() ? "" : ",") + cell(entry);
  return text;
}

/// Members of members by "outer.inner".
void flatten(const Json& value, const std::string& name, Json& out) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) flatten(member, name.empty() ? key : name + "." + key, out);
  } else if (value.is_array() && !value.empty() && value.front().is_object()) {
    std::size_t number = 0;
    for (const Json& entry : value) flatten(entry, name + "." + std::to_string(++number), out);
  } else {
    out[name] = value.is_null() || value.is_array() ? Json(cell(value)) : value;
  }
}

/// The list at `pointer`, which goes out of the thing; without what is hidden. Empty when there is none.
Json taken_off(Json& object, const char* pointer) {
  const Json::json_pointer at(pointer);
  if (!object.contains(at) || !object.at(at).is_array()) return Json::array();
  Json list = std::move(object.at(at));
  object.at(at.parent_pointer()).erase(at.back());
  Json shown = Json::array();
  for (Json& entry : list) {
    if (!entry.value("hidden", false)) shown.push_back(std::move(entry));
  }
  return shown;
}

}  // namespace

std::unexpected<Errors> stop_with(Code code, std::string message, std::string hint) {
  return std::unexpected(Errors{{code, std::move(message), {}, std::move(hint)}});
}

std::expected<Api, Errors> api_of(const Cli& cli) {
  if (!cli.socket.empty()) return Api(cli.socket);
  ConfigResult config = read_config(cli.config_file.empty() ? std::string(kConfigFile) : cli.config_file);
  if (!config && cli.config_file.empty() && config.error().front().code == Code::kNotFound) {
    config = parse_config("", kConfigFile);  // a machine without one has the defaults
  }
  if (!config) {
    for (Error& error : config.error()) {
      if (error.hint.empty()) error.hint = "name aegird's socket with --socket, or the configuration with --config";
    }
    return std::unexpected(std::move(config.error()));
  }
  return Api(api_socket(*config));
}

void print_record(const Cli& cli, const Json& object) {
  if (cli.out.format == cli::Format::kJson) return cli.out.record(object);
  Json flat = Json::object();
  flatten(object, "", flat);
  cli.out.record(flat);
}

void print_list(const Cli& cli, std::string_view name, const Json& list, const std::vector<std::string>& columns) {
  if (cli.out.format == cli::Format::kJson) return cli.out.did("", {{std::string(name), list}});
  std::vector<std::string_view> names(columns.begin(), columns.end());
  std::vector<std::vector<std::string>> rows;
  for (const Json& entry : list) {
    auto& row = rows.emplace_back();
    for (const std::string& column : columns) row.push_back(cell(entry.value(column, Json())));
  }
  cli.out.table(names, rows);
}

void add_show(CLI::App& noun, Cli& cli, const char* name, const char* help, const std::string& path,
              std::vector<Part> parts) {
  CLI::App* const command = noun.add_subcommand("show", help);
  const auto wanted = std::make_shared<std::string>();
  command->add_option(name, *wanted, "Which one")->required();
  command->callback([&cli, wanted, path, parts = std::move(parts)] {
    cli.command = [&cli, wanted, path, parts]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      Reply found = api->get(path + encoded(*wanted));
      if (!found) return std::unexpected(found.error());
      std::vector<Json> lists;
      if (cli.out.format == cli::Format::kTable) {
        for (const Part& part : parts) lists.push_back(taken_off(*found, part.pointer));
      }
      print_record(cli, *found);
      for (std::size_t n = 0; n < lists.size(); ++n) {
        if (!lists[n].empty()) print_list(cli, "", lists[n], parts[n].columns);
      }
      return {};
    };
  });
}

}  // namespace aegir::client
