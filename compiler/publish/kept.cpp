#include "compiler/publish/kept.hpp"

#include <charconv>
#include <string_view>

#include "compiler/machine/machine.hpp"

namespace aegir::publish {
namespace {

std::string path_of(const Config& config, Kept what, const std::string& service) {
  const char* name = "/last-good.";
  if (what == Kept::kPeople) name = "/people.";
  if (what == Kept::kJudge) name = "/judge.";
  return config.config_dir + name + service;
}

}  // namespace

// For each file a line with its size and path, then its content and a line's end.
Result<Files> read_kept(const Config& config, Kept what, const std::string& service) {
  Result<std::string> text = machine::read_config(config, path_of(config, what, service));
  if (!text) return pass(text);
  Files files;
  for (std::string_view rest = *text; !rest.empty();) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
    const std::size_t head = rest.find('\n');
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || head == std::string_view::npos || head < digits + 1 || rest.size() < head + size + 2) {
      return fail_at(path_of(config, what, service), Code::kCorrupt, "is not what an earlier run has written");
    }
    files[std::string(rest.substr(digits + 1, head - digits - 1))] = rest.substr(head + 1, size);
    rest.remove_prefix(head + size + 2);
  }
  return files;
}

Result<void> write_kept(const Config& config, const Accounts& accounts, Kept what, const std::string& service,
                        const Files& files) {
  std::string text;
  for (const auto& [path, content] : files) {
    text += std::to_string(content.size()) + ' ' + path + '\n' + content + '\n';
  }
  machine::Done done;  // of no interest to anybody
  return machine::install_config(config, accounts, path_of(config, what, service), text, 0600, done);
}

Result<void> forget_kept(const Config& config, Kept what, const std::string& service) {
  machine::Done done;
  return machine::remove_config(config, path_of(config, what, service), done);
}

}  // namespace aegir::publish
