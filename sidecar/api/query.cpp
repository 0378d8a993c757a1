#include "sidecar/api/query.hpp"

#include <algorithm>
#include <charconv>

#include "compiler/core/nearest.hpp"
#include "compiler/core/utf8.hpp"

namespace aegir::api {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Decodes %XX. kUsage for what can be no text.
Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(Code::kUsage, "a % without two hexadecimal digits: " + printable(text), "encode a % as %25");
    }
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (find_control_or_bad_utf8(out) != std::string::npos) {
    return fail(Code::kUsage, "no text: " + printable(out), "write UTF-8 without control characters");
  }
  return out;
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

Result<std::vector<std::string>> segments_of(std::string_view path) {
  if (!path.starts_with('/')) {
    return fail(Code::kUsage, "the target is no path: " + printable(path), "begin it with /");
  }
  std::vector<std::string> segments;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    Result<std::string> segment = decoded(path.substr(at, end - at));
    if (!segment) return pass(segment);
    if (segment->contains('/')) {
      return fail(Code::kUsage, "a slash in a name: " + printable(*segment), "no name has one");
    }
    if (segment->empty() || *segment == "." || *segment == "..") {
      return fail(Code::kNotFound, "there is nothing at " + printable(path), "see /openapi.json for what there is");
    }
    segments.push_back(*std::move(segment));
    at = end + 1;
  }
  return segments;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('&', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = std::min(part.find('='), part.size());
    Result<std::string> name = decoded(part.substr(0, equals));
    if (!name) return pass(name);
    Result<std::string> value = decoded(part.substr(std::min(equals + 1, part.size())));
    if (!value) return pass(value);
    for (const auto& [known, ignored] : query.members_) {
      if (known == *name) {
        return fail(Code::kUsage, printable(*name) + " is in the query twice", "keep one of the two");
      }
    }
    query.members_.emplace_back(*std::move(name), *std::move(value));
  }
  return query;
}

std::string Query::text(std::string_view name) {
  asked_.push_back(name);
  const auto member = std::ranges::find(members_, name, [](const auto& each) { return std::string_view(each.first); });
  if (member == members_.end()) return {};
  if (member->second.empty()) refuse("the query's " + printable(name) + " is empty", "leave it out, or give a value");
  return member->second;
}

std::uint64_t Query::number(std::string_view name, std::uint64_t fallback, std::uint64_t most) {
  const std::string value = text(name);
  if (value.empty()) return fallback;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (problem == std::errc() && end == value.data() + value.size() && number <= most) return number;
  refuse("the query's " + printable(name) + " is " + printable(value),
         "write a whole number from 0 to " + std::to_string(most));
  return fallback;
}

bool Query::flag(std::string_view name) {
  const std::string value = text(name);
  if (!value.empty() && value != "true" && value != "false") {
    refuse("the query's " + printable(name) + " is " + printable(value), "write true or false");
  }
  return value == "true";
}

Result<void> Query::finish() {
  for (const auto& [name, value] : members_) {
    if (std::ranges::find(asked_, name) != asked_.end()) continue;
    const std::string_view near = nearest(name, asked_);
    refuse("there is no " + printable(name) + " in a query here", !near.empty()
                                                                      ? "did you mean " + printable(near) + "?"
                                                                  : asked_.empty() ? "leave it out"
                                                                                   : "there are: " + listed(asked_));
  }
  if (wrong_) return std::unexpected<Error>(*std::move(wrong_));
  return {};
}

void Query::refuse(std::string message, std::string hint) {
  if (!wrong_) wrong_ = Error{Code::kUsage, std::move(message), {}, std::move(hint)};
}

void Query::refuse_word(std::string_view name, const std::string& value, const std::vector<std::string_view>& words) {
  const std::string_view near = nearest(value, words);
  refuse("the query's " + printable(name) + " is " + printable(value),
         near.empty() ? "write one of: " + listed(words) : "did you mean " + printable(near) + "?");
}

}  // namespace aegir::api
