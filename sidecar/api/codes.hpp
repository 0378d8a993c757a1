// What an error is called over HTTP: the same table for who writes a problem and for who reads one.
#pragma once

#include <array>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::api {

struct CodeRow {
  Code code;
  std::string_view word;  ///< member "code" of a problem
  unsigned status;        ///< of the answer
  std::string_view title;
};

/// In the order of Code.
inline constexpr std::array kCodes = {
    CodeRow{Code::kUsage, "usage", 400, "The request makes no sense"},
    CodeRow{Code::kInvalid, "invalid", 422, "Something in the request breaks a rule"},
    CodeRow{Code::kNotFound, "not_found", 404, "There is no such thing"},
    CodeRow{Code::kConflict, "conflict", 409, "The state does not allow it"},
    CodeRow{Code::kPermission, "permission", 403, "Not allowed"},
    CodeRow{Code::kCantCreate, "cant_create", 500, "A file can't be made"},
    CodeRow{Code::kIo, "io", 500, "Reading or writing failed"},
    CodeRow{Code::kCorrupt, "corrupt", 500, "Data is damaged"},
    CodeRow{Code::kTooNew, "too_new", 500, "Written by a newer version"},
    CodeRow{Code::kBusy, "busy", 503, "Somebody else holds it"},
    CodeRow{Code::kInternal, "internal", 500, "A mistake in the program"},
};

[[nodiscard]] constexpr const CodeRow& row_of(Code code) { return kCodes.at(static_cast<std::size_t>(code)); }

/// The code that a word stands for; kInternal for a word that is none.
[[nodiscard]] constexpr Code code_of(std::string_view word) {
  for (const CodeRow& row : kCodes) {
    if (row.word == word) return row.code;
  }
  return Code::kInternal;
}

}  // namespace aegir::api
