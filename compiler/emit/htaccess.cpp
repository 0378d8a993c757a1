#include "compiler/emit/htaccess.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <regex>
#include <utility>

#include "compiler/emit/htaccess_lines.hpp"
#include "compiler/emit/pattern_samples.hpp"
#include "compiler/emit/rules.hpp"

namespace aegir::emit {
namespace {

using Line = HtaccessLine;
using Words = std::vector<std::string>;

struct Instead {
  std::string_view begin;  ///< of a directive, in lower case
  std::string_view text;
};
constexpr std::array kInstead = {
    Instead{"redirect", "location /old { return STATUS /new; }, or \"return 410;\" for what is gone"},
    Instead{"rewrite", "a location with \"return\" or \"rewrite\""},
    Instead{"header", "add_header … always; in every location that has an add_header of its own"},
    Instead{"requestheader", "fastcgi_param HTTP_…"},
    Instead{"setenv", "fastcgi_param"},
    Instead{"expires", "expires"},
    Instead{"errordocument", "error_page"},
    Instead{"directoryindex", "a location with \"index\""},
    Instead{"addtype", "types { … } in a location"},
    Instead{"adddefaultcharset", "charset"},
    Instead{"addoutputfilter", "gzip on; gzip_types"},
    Instead{"php_",
            "the site's PHP limits in the registry; Apache does not obey it either, since PHP is no part of it"},
    Instead{"auth", "http_auth of the site in the registry"},
    Instead{"require", "allow and deny, or http_auth of the site in the registry"},
    Instead{"order", "allow and deny"},
    Instead{"allow", "allow"},
    Instead{"deny", "deny"},
    Instead{"<files", "a location"},
    Instead{"<limit", "limit_except"},
};

std::string instead_of(const std::string& directive) {
  const auto* const known =
      std::ranges::find_if(kInstead, [&](const Instead& each) { return directive.starts_with(each.begin); });
  return known == kInstead.end() ? std::string() : std::string(known->text);
}

/// Values that PHP has by itself or that its pools give it (fpm_block.cpp), whatever a module's section says.
constexpr std::array<std::array<std::string_view, 2>, 10> kPhpValues = {{{"assert.active", "0"},
                                                                         {"magic_quotes_gpc", "off"},
                                                                         {"magic_quotes_sybase", "off"},
                                                                         {"register_globals", "off"},
                                                                         {"session.auto_start", "off"},
                                                                         {"mbstring.http_input", "pass"},
                                                                         {"mbstring.http_output", "pass"},
                                                                         {"mbstring.encoding_translation", "off"},
                                                                         {"max_input_vars", "10007"},
                                                                         {"session.auto_start", "0"}}};

/// Days of "access plus 1 year", "A1209600" and their kind; nothing for another form.
std::optional<unsigned> days_of(const Words& words) {
  if (words.size() != 2) return std::nullopt;
  const std::string& value = words[1];
  if (value == "access plus 1 year") return 365;
  if (value == "access plus 2 weeks") return 14;
  unsigned seconds = 0;
  const char* const end = value.data() + value.size();
  if (!value.starts_with('A') || std::from_chars(value.data() + 1, end, seconds).ptr != end) return std::nullopt;
  return seconds / 86400;
}

class Reader {
 public:
  explicit Reader(registry::Cms cms) : rules_(rules_of(cms)), cms_(cms) {}

  std::vector<Unobeyed> read(std::string_view text) {
    for (const Line& line : htaccess_lines(text)) {
      if (line.text.starts_with("</")) {
        if (!sections_.empty()) sections_.pop_back();
      } else if (line.text.starts_with('<')) {
        open(line);
      } else if (inside(Section::kForeign)) {
        list(line);
      } else if (line.words.front() == "rewritecond") {
        conditions_.push_back(line);
      } else if (line.words.front() == "rewriterule") {
        rewrite(line);
      } else if (!is_covered(line.words)) {
        list(line);
      }
    }
    for (const Line& condition : std::exchange(conditions_, {})) list(condition);
    std::ranges::stable_sort(found_, {}, &Unobeyed::line);
    return std::move(found_);
  }

 private:
  enum class Section : std::uint8_t {
    kPlain,   ///< always true here: <IfModule> and the like
    kPhp,     ///< for PHP as a module
    kClosed,  ///< files that nginx closes
    kScripts,
    kPacked,
    kForeign,
  };

  void list(const Line& line) { found_.push_back({line.number, line.text, instead_of(line.words.front())}); }

  [[nodiscard]] bool inside(Section section) const { return std::ranges::find(sections_, section) != sections_.end(); }

  void open(const Line& line) {
    sections_.push_back(section_of(line.words));
    if (sections_.back() == Section::kForeign) list(line);
  }

  [[nodiscard]] Section section_of(const Words& words) const {
    const std::string& name = words.front();
    const std::string argument = words.size() > 1 ? words.back() : std::string();
    if (name == "<ifmodule") return lower(argument).contains("php") ? Section::kPhp : Section::kPlain;
    if (name == "<ifdefine" || name == "<ifversion") return Section::kPlain;
    if (name.starts_with("<require") && inside(Section::kClosed)) return Section::kPlain;
    if (name == "<filesmatch") {
      if (argument == R"(\.php$)") return Section::kScripts;
      if (argument == R"((\.js\.gz|\.css\.gz)$)" || argument == R"((\.js\.br|\.css\.br)$)") return Section::kPacked;
      if (closes_all(argument)) return Section::kClosed;
    }
    if (name == "<files" && words.size() == 2) {
      std::string sample = "/" + argument;
      std::ranges::replace_if(sample, [](char c) { return c == '*' || c == '?'; }, 'x');
      if (closes(sample)) return Section::kClosed;
    }
    return Section::kForeign;
  }

  /// Whether nginx answers this path with 403 when it names a file.
  [[nodiscard]] bool closes(const std::string& path) const {
    const auto has = [&](Literal pattern) { return std::regex_search(path, std::regex(std::string(pattern.view()))); };
    if (has(rules_.scripts)) return false;
    if (has(rules_.closed_paths) || has(rules_.closed_ends)) return true;
    return cms_ != registry::Cms::kOther &&
           std::regex_search(path, std::regex(std::string(kAnyScript.view()), std::regex::icase));
  }

  [[nodiscard]] bool closes_all(std::string_view pattern) const {
    const std::optional<std::vector<std::string>> samples = samples_of(pattern);
    return samples && std::ranges::all_of(*samples, [&](const std::string& path) { return closes(path); });
  }

  void rewrite(const Line& line) {
    const std::vector<Line> conditions = std::exchange(conditions_, {});
    if (is_covered_rule(line.words, conditions)) return;
    for (const Line& condition : conditions) list(condition);
    list(line);
  }

  [[nodiscard]] bool is_covered_rule(const Words& words, const std::vector<Line>& conditions) const {
    if (words.size() < 3) return false;
    const std::string& pattern = words[1];
    const std::string& target = words[2];
    const std::string flags = words.size() > 3 ? words[3] : std::string();
    const auto all = [&](auto&& good) {
      return std::ranges::all_of(conditions,
                                 [&](const Line& line) { return line.words.size() > 2 && good(line.words); });
    };
    if (target == "-" && (flags == "[F]" || flags == "[F,L]")) return closes_all(pattern);
    if (target == "-") {
      static const std::regex kNotes(R"(\[(?:(?:E=protossl(?::s)?|E=HTTP_AUTHORIZATION:%\{HTTP:Authorization\})"
                                     R"(|E=no-(?:gzip|brotli):1|T=text/(?:css|javascript)),?)+\])");
      return std::regex_match(flags, kNotes);
    }
    if (pattern == "^" && target == "index.php" && flags == "[L]") {
      bool files = false;
      return all([&](const Words& words_of_condition) {
               files = files || words_of_condition[2] == "!-f";
               return words_of_condition[2] == "!-f" || words_of_condition[2] == "!-d" ||
                      words_of_condition[2] == "!=/favicon.ico";
             }) &&
             files;
    }
    if (target == "%1/core/%2" && pattern == "^" && cms_ != registry::Cms::kDrupal7 && !conditions.empty()) {
      static const std::regex kMoved(R"(\^\(\.\*\)\?/\((?:install|rebuild|update|cron)\\?\.php\)|!core|!modules)");
      return all([&](const Words& words_of_condition) { return std::regex_match(words_of_condition[2], kMoved); });
    }
    if (target == "core/install.php?rewrite=ok") return true;  // closed
    static const std::regex kPacked(R"(\$1\\\.(?:css|js)\\\.(?:gz|br))");
    return std::regex_match(target, kPacked) && all([](const Words& words_of_condition) {
             return lower(words_of_condition[1]) == "%{http:accept-encoding}" || words_of_condition[2] == "-s";
           });
  }

  [[nodiscard]] bool is_covered(const Words& words) const {
    const std::string& name = words.front();
    const auto is = [&](std::initializer_list<std::string_view> rest) {
      return std::ranges::equal(words.begin() + 1, words.end(), rest.begin(), rest.end(),
                                [](const std::string& a, std::string_view b) { return lower(a) == b; });
    };
    if (name.starts_with("php_")) {
      return inside(Section::kPhp) &&
             std::ranges::any_of(kPhpValues, [&](const auto& value) { return is({value[0], value[1]}); });
    }
    if (inside(Section::kClosed) && (name == "require" || name == "order" || name == "deny" || name == "satisfy")) {
      return is({"all", "denied"}) || is({"allow,deny"}) || is({"from", "all"}) || is({"all"});
    }
    if (inside(Section::kScripts) && name == "expiresactive") return is({"off"});
    if (name == "header" || name == "requestheader") return is_covered_header(is, name);
    if (name == "options") {
      return std::ranges::all_of(words.begin() + 1, words.end(), [](const std::string& option) {
        const std::string text = lower(option);
        return text == "-indexes" || text == "+followsymlinks" || text == "followsymlinks" ||
               text == "+symlinksifownermatch" || text == "symlinksifownermatch" || text == "-multiviews";
      });
    }
    if (name == "directoryindex") {
      return is({"index.php", "index.html", "index.htm"}) || is({"index.php", "index.html"}) || is({"index.php"});
    }
    if (name == "addtype") return is({"image/svg+xml", "svg", "svgz"}) || is({"image/webp", ".webp"});
    if (name == "addencoding") return cms_ != registry::Cms::kOther && is({"gzip", "svgz"});
    if (name == "expiresactive") return rules_.kept_days != 0 && is({"on"});
    if (name == "expiresdefault") return rules_.kept_days != 0 && days_of(words) == rules_.kept_days;
    if (name == "fallbackresource") return is({"/index.php"});
    if (name == "errordocument") return is({"404", "/index.php"});
    if (name == "rewriteengine") return is({"on"});
    return name == "rewritebase" && is({"/"});
  }

  template <class Is>
  [[nodiscard]] bool is_covered_header(const Is& is, const std::string& name) const {
    if (name == "requestheader") return is({"unset", "proxy"});
    if (inside(Section::kPacked)) {
      return is({"set", "content-encoding", "gzip"}) || is({"set", "content-encoding", "br"}) ||
             is({"append", "vary", "accept-encoding"});
    }
    return is({"onsuccess", "unset", "x-content-type-options"}) ||
           is({"always", "set", "x-content-type-options", "nosniff"}) ||
           is({"set", "x-content-type-options", "nosniff"});
  }

  const Rules& rules_;
  registry::Cms cms_;
  std::vector<Section> sections_;
  std::vector<Line> conditions_;
  std::vector<Unobeyed> found_;
};

}  // namespace

std::vector<Unobeyed> unobeyed_by_nginx(std::string_view text, registry::Cms cms) { return Reader(cms).read(text); }

}  // namespace aegir::emit
