#include "compiler/emit/pattern_samples.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace aegir::emit {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kMost = 4096;
constexpr char kStart = '\1';  // stands for ^
constexpr char kAny = 'x';     // a character that any rule lets pass

class Sampler {
 public:
  explicit Sampler(std::string_view pattern) : rest_(pattern) {}

  std::optional<Texts> all() {
    Texts texts = alternatives();
    if (!good_ || !rest_.empty()) return std::nullopt;
    return texts;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Texts alternatives() {
    Texts texts = sequence();
    while (take("|")) std::ranges::move(sequence(), std::back_inserter(texts));
    return texts;
  }

  Texts sequence() {
    Texts texts = {""};
    while (good_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      const Texts next = repeated(atom());
      Texts longer;
      for (const std::string& begin : texts) {
        for (const std::string& end : next) longer.push_back(begin + end);
      }
      if (longer.size() > kMost) good_ = false;
      texts = std::move(longer);
    }
    return texts;
  }

  Texts repeated(Texts texts) {
    const bool never = take("?") || take("*");
    if (never) texts.emplace_back();
    if (!never) (void)take("+");
    if (take("?") || take("+") || take("*") || take("{")) good_ = false;  // lazy, possessive, counted
    return texts;
  }

  Texts atom() {
    if (take("(?!") || take("(?=")) {
      (void)alternatives();
      good_ = good_ && take(")");
      return {""};
    }
    if (take("(?:") || take("(")) {
      Texts texts = alternatives();
      good_ = good_ && take(")");
      return texts;
    }
    if (take("[")) return one_of();
    if (take("^")) return {std::string(1, kStart)};
    if (take("$")) return {""};
    if (take(".")) return {std::string(1, kAny)};
    if (take("\\")) return escaped();
    if (rest_.front() == '?' || rest_.front() == '*' || rest_.front() == '+' || rest_.front() == '{') good_ = false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return {std::string(1, c)};
  }

  Texts escaped() {
    if (rest_.empty() || std::isalnum(static_cast<unsigned char>(rest_.front())) != 0) {
      good_ = false;
      return {};
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return {std::string(1, c)};
  }

  // Every single character of a class; of a range its ends.
  Texts one_of() {
    Texts texts;
    if (take("^")) {
      texts.emplace_back(1, kAny);
      while (!rest_.empty() && rest_.front() != ']') rest_.remove_prefix(1);
    }
    while (!rest_.empty() && rest_.front() != ']') {
      (void)take("\\");
      if (rest_.empty()) break;
      if (rest_.front() != '-' || texts.empty()) texts.emplace_back(1, rest_.front());
      rest_.remove_prefix(1);
    }
    good_ = good_ && take("]");
    return texts;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::optional<std::vector<std::string>> samples_of(std::string_view pattern) {
  std::optional<Texts> texts = Sampler(pattern).all();
  if (!texts) return texts;
  for (std::string& text : *texts) {
    const bool anchored = text.starts_with(kStart);
    std::erase(text, kStart);
    text.insert(0, anchored ? "/" : std::string("/") + kAny);
  }
  return texts;
}

}  // namespace aegir::emit
