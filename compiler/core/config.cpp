#include "compiler/core/config.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <variant>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config_keys.hpp"
#include "compiler/core/nearest.hpp"
#include "compiler/core/path.hpp"

namespace aegir {
namespace {

using Path = ConfigKey::Path;
using Paths = ConfigKey::Paths;
using Name = ConfigKey::Name;
using Key = ConfigKey;

struct Word {
  std::string text;
  std::uint32_t column = 0;
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

template <class Number>
bool to_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// One reading of one file.
class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  ConfigResult parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      ++line_;
      parse_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    derive();
    if (!errors_.empty()) return std::unexpected(std::move(errors_));
    return std::move(config_);
  }

 private:
  void error(std::uint32_t line, std::uint32_t column, std::string message, std::string hint = {}) {
    errors_.push_back(Error{Code::kInvalid, std::move(message), {file_, line, column}, std::move(hint)});
  }
  void error(std::uint32_t column, std::string message, std::string hint = {}) {
    error(line_, column, std::move(message), std::move(hint));
  }

  void parse_line(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto byte = static_cast<unsigned char>(line[i]);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
        const bool windows = byte == '\r' && i + 1 == line.size();
        return error(column(i), windows ? "the line ends with CR LF; expected LF" : "a control character",
                     windows ? "convert the file with dos2unix" : "remove it");
      }
    }
    std::size_t begin = 0;
    while (begin < line.size() && is_blank(line[begin])) ++begin;
    if (begin == line.size() || line[begin] == '#') return;
    std::size_t end = begin;
    while (end < line.size() && !is_blank(line[end]) && line[end] != '=') ++end;
    const std::string_view name = line.substr(begin, end - begin);
    std::size_t equals = end;
    while (equals < line.size() && is_blank(line[equals])) ++equals;
    if (equals == line.size() || line[equals] != '=') {
      return error(column(equals), "expected '=' after '" + std::string(name) + "'", "write one 'key = value' a line");
    }
    const std::span<const Key> keys = config_keys();
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key == keys.end()) return unknown_key(name, column(begin));
    if (const auto [first, fresh] = lines_.try_emplace(key->name, line_); !fresh) {
      return error(column(begin), "'" + std::string(name) + "' is already set in line " + std::to_string(first->second),
                   "keep one of the two lines");
    }
    std::vector<Word> words;
    if (!split(line, equals + 1, words)) return;
    std::visit([&](auto field) { set(*key, field, words, column(equals)); }, key->field);
  }

  void unknown_key(std::string_view name, std::uint32_t at) {
    std::vector<std::string_view> names;
    for (const Key& key : config_keys()) names.push_back(key.name);
    const std::string_view near = nearest(name, names);
    error(at,
          "unknown key '" + std::string(name) + "'" +
              (near.empty() ? std::string() : "; did you mean '" + std::string(near) + "'?"),
          near.empty() ? "remove the line; every other setting belongs into the registry" : "");
  }

  // Splits what stands right of '=' into words. False after an error.
  bool split(std::string_view line, std::size_t at, std::vector<Word>& words) {
    while (at < line.size()) {
      if (is_blank(line[at])) {
        ++at;
        continue;
      }
      if (line[at] == '#' && is_blank(line[at - 1])) break;
      Word word{{}, column(at)};
      if (line[at] == '"') {
        const std::size_t close = line.find('"', at + 1);
        if (close == std::string_view::npos || (close + 1 < line.size() && !is_blank(line[close + 1]))) {
          error(column(at),
                close == std::string_view::npos ? "the quote is not closed" : "expected a blank after the quote");
          return false;
        }
        word.text = line.substr(at + 1, close - at - 1);
        at = close + 1;
      } else {
        const std::size_t begin = at;
        while (at < line.size() && !is_blank(line[at]) && line[at] != '"') ++at;
        if (at < line.size() && line[at] == '"') {
          error(column(at), "a quote inside a word", "put the whole word into double quotes");
          return false;
        }
        word.text = line.substr(begin, at - begin);
      }
      words.push_back(std::move(word));
    }
    return true;
  }

  // The one word of a value that is no list; null after an error.
  const Word* single(const Key& key, const std::vector<Word>& words, std::uint32_t at) {
    if (words.size() == 1 && !words[0].text.empty()) return words.data();
    if (words.size() > 1) {
      error(words[1].column, "'" + std::string(key.name) + "' takes one word, found another: '" + words[1].text + "'",
            "put a value with blanks into double quotes");
    } else {
      error(at, "'" + std::string(key.name) + "' has no value", "give it one, or remove the line for the default");
    }
    return nullptr;
  }

  bool absolute_path(const Key& key, const Word& word, std::string& path) {
    path = word.text;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (is_plain_path(path)) return true;
    error(word.column, "'" + std::string(key.name) + "' must be an absolute path without '.', '..' or '//', found '" +
                           word.text + "'");
    return false;
  }

  void set(const Key& key, Path field, const std::vector<Word>& words, std::uint32_t at) {
    const Word* word = single(key, words, at);
    std::string path;
    if (word != nullptr && absolute_path(key, *word, path)) config_.*field.member = std::move(path);
  }

  void set(const Key& key, Paths field, const std::vector<Word>& words, std::uint32_t at) {
    if (words.empty()) {
      return error(at, "'" + std::string(key.name) + "' has no value",
                   "give it one, or remove the line for the default");
    }
    for (const Word& word : words) {
      std::string path;
      if (absolute_path(key, word, path)) (config_.*field.member).push_back(std::move(path));
    }
  }

  void set(const Key& key, Name field, const std::vector<Word>& words, std::uint32_t at) {
    if (const Word* word = single(key, words, at)) config_.*field.member = word->text;
  }

  void set(const Key& key, std::uint32_t Config::* field, const std::vector<Word>& words, std::uint32_t at) {
    constexpr std::uint32_t kLowest = 1000;         // below are the system's accounts
    constexpr std::uint32_t kHighest = 0xFFFFFFFD;  // -1 and -2 mean "none" and "nobody" to many programs
    const Word* word = single(key, words, at);
    if (word == nullptr) return;
    std::uint32_t value = 0;
    if (!to_number(word->text, value) || value < kLowest || value > kHighest) {
      return error(word->column, "'" + std::string(key.name) + "' must be a number from " + std::to_string(kLowest) +
                                     " to " + std::to_string(kHighest) + ", found '" + word->text + "'");
    }
    config_.*field = value;
  }

  void set(const Key& key, std::vector<std::string> Config::* field, const std::vector<Word>& words, std::uint32_t at) {
    const bool command =
        field == &Config::apache_test || field == &Config::apache_start || field == &Config::nginx_test;
    const bool may_be_empty = field == &Config::trusted_proxies;
    std::string program;
    if (words.empty() && !may_be_empty) {
      return error(at, "'" + std::string(key.name) + "' has no value",
                   "give it one, or remove the line for the default");
    }
    if (command && !absolute_path(key, words[0], program)) return;
    (config_.*field).clear();
    for (const Word& word : words) (config_.*field).push_back(word.text);
  }

  void set(const Key&, std::vector<Listen> Config::* field, const std::vector<Word>& words, std::uint32_t) {
    for (const Word& word : words) {
      Listen listen;
      const std::size_t colon = word.text.rfind(':');
      std::string_view address =
          colon == std::string::npos ? std::string_view() : std::string_view(word.text).substr(0, colon);
      const std::string_view port =
          colon == std::string::npos ? word.text : std::string_view(word.text).substr(colon + 1);
      const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
      if (brackets) address = address.substr(1, address.size() - 2);
      const bool v4 = address.find_first_not_of("0123456789.") == std::string_view::npos;
      const bool v6 = brackets && address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
      if (!to_number(port, listen.port) || listen.port == 0 || (brackets ? !v6 : !v4) || (colon == 0)) {
        error(word.column, "expected a port, ADDRESS:PORT or [ADDRESS]:PORT, found '" + word.text + "'");
        continue;
      }
      listen.address = address;
      (config_.*field).push_back(std::move(listen));
    }
  }

  void set(const Key& key, Reload Config::* field, const std::vector<Word>& words, std::uint32_t at) {
    if (words.empty())
      return error(at, "'" + std::string(key.name) + "' has no value", "give a command, or 'signal <pid file>'");
    Reload reload;
    if (words[0].text == "signal") {
      if (words.size() != 2) return error(words[0].column, "'signal' takes one word: the path of a pid file");
      if (!absolute_path(key, words[1], reload.pid_file)) return;
    } else {
      std::string program;
      if (!absolute_path(key, words[0], program)) return;
      for (const Word& word : words) reload.argv.push_back(word.text);
    }
    config_.*field = std::move(reload);
  }

  void derive() {
    Config& c = config_;
    const auto fill = [](std::string& field, std::string value) {
      if (field.empty()) field = std::move(value);
    };
    fill(c.aegir_root, c.prefix + "/var/aegir");
    fill(c.config_dir, c.aegir_root + "/config");
    fill(c.acme_root, c.aegir_root + "/acme");
    if (c.platform_roots.empty()) c.platform_roots = {c.aegir_root + "/platforms"};
    fill(c.state_dir, c.prefix + "/var/lib/aegir");
    fill(c.slot_dir, c.prefix + "/var/lib/aegir-slots");
    fill(c.run_dir, c.prefix + "/run/aegir");
    fill(c.log_dir, c.prefix + "/var/log/aegir");
    fill(c.registry, c.state_dir + "/registry.sqlite");
    fill(c.registry_key, c.state_dir + "/keys/registry.key");
    fill(c.map_key, c.prefix + "/etc/aegir/map.key");
    fill(c.database_options, c.prefix + "/etc/aegir/database/{server}.cnf");
    fill(c.map_dir, c.run_dir + "/map");
    fill(c.map_durable, c.state_dir + "/map");
    fill(c.aegir_group, c.aegir_user);
    fill(c.web_group, c.web_user);
    if (c.apache_start.empty()) {
      c.apache_start = c.apache_test;
      const auto test = std::ranges::find_if(
          c.apache_start, [](const std::string& word) { return word == "-t" || word == "configtest"; });
      if (test != c.apache_start.end()) c.apache_start.erase(test);
      c.apache_start.emplace_back("-DFOREGROUND");
    }
    const auto line_of = [&](std::string_view key) {
      const auto found = lines_.find(key);
      return found == lines_.end() ? 0 : found->second;
    };
    if (c.uid_first > c.uid_last) {
      error(std::max(line_of("uid_first"), line_of("uid_last")), 1,
            "uid_first (" + std::to_string(c.uid_first) + ") is above uid_last (" + std::to_string(c.uid_last) + ")");
    }
    if ((c.slot_dir + '/').starts_with(c.state_dir + '/')) {
      error(std::max(line_of("slot_dir"), line_of("state_dir")), 1,
            "slot_dir lies in state_dir, which no site may enter", "choose a directory beside it");
    }
  }

  static std::uint32_t column(std::size_t index) { return static_cast<std::uint32_t>(index + 1); }

  std::string file_;
  std::uint32_t line_ = 0;
  Config config_;
  std::map<std::string_view, std::uint32_t> lines_;
  std::vector<Error> errors_;
};

}  // namespace

ConfigResult parse_config(std::string_view text, std::string_view file) { return Parser(file).parse(text); }

ConfigResult read_config(const std::string& path) {
  constexpr std::size_t kLargest = 1U << 20U;
  Result<std::string> text = read_file(path, kLargest);
  if (!text) return std::unexpected(std::vector<Error>{std::move(text.error())});
  return parse_config(*text, path);
}

}  // namespace aegir
