// The main() of a bench: its options, its errors, its exit code.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace aegir::bench {

/// "--sites N" or "--directory DIR", and where its value goes.
struct Option {
  const char* name;
  std::variant<std::uint64_t*, std::string*> value;
};

/// Runs `work` when the command line is right; the program's exit code: 64 for a wrong one, 70 when `work` throws.
inline int run(const char* program, std::span<char* const> arguments, std::span<const Option> options,
               const std::function<void()>& work) {
  const auto take = [&](std::string_view name, const std::string& text) {
    for (const Option& option : options) {
      if (name != option.name || text.empty()) continue;
      if (const auto* const number = std::get_if<std::uint64_t*>(&option.value)) {
        **number = std::strtoull(text.c_str(), nullptr, 10);
      } else {
        *std::get<std::string*>(option.value) = text;
      }
      return true;
    }
    return false;
  };
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (take(arguments[i], i + 1 < arguments.size() ? arguments[i + 1] : "")) continue;
    std::string usage = std::string("usage: ") + program;
    for (const Option& option : options) {
      usage += std::string(" [") + option.name + (std::holds_alternative<std::string*>(option.value) ? " DIR]" : " N]");
    }
    (void)std::fprintf(stderr, "%s\n", usage.c_str());
    return 64;
  }
  try {
    work();
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 70;
  }
  return 0;
}

}  // namespace aegir::bench
