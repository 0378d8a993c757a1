// One error type for the whole project: what went wrong, where, and what to do next.
//
// Fallible functions return Result<T>. A message is one sentence without a full stop at its end; `hint` names the
// next step for a person. describe() prints both the way ninja and g++ do: `file:line:column: message`.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace aegir {

/// What kind of failure it is; decides the exit code (exit_code()).
enum class Code : std::uint8_t {
  kUsage,       ///< the caller asked for something that makes no sense
  kInvalid,     ///< input that breaks a rule
  kNotFound,    ///< a named thing does not exist
  kConflict,    ///< a name is taken, or the state does not allow it
  kPermission,  ///< the operating system or a rule of ours said no
  kCantCreate,  ///< an output file can't be made where it is to be
  kIo,          ///< reading or writing failed (disk full, broken disk, vanished file)
  kCorrupt,     ///< bytes that are not what their checksum or format says
  kTooNew,      ///< written by a newer version of this program
  kBusy,        ///< somebody else holds it; try again later
  kInternal,    ///< a broken promise inside this program
};

/// A position in a file or document. Line and column count from 1; 0 means "not known".
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// One failure. `hint` is the next step for the person who reads it; it may be empty.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  Place place = {};
  std::string hint = {};
};

template <class T>
using Result = std::expected<T, Error>;

/// Shortest way to return an error: `return fail(Code::kIo, "...", "free some space");`
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), {}, std::move(hint)});
}

/// An error about a file as a whole: `fail_at("/etc/x", Code::kIo, "...")`.
[[nodiscard]] inline std::unexpected<Error> fail_at(std::string_view file, Code code, std::string message,
                                                    std::string hint = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), {std::string(file), 0, 0}, std::move(hint)});
}

/// Hands an error of one Result on as the error of another.
template <class T>
[[nodiscard]] std::unexpected<Error> pass(Result<T>& result) {
  return std::unexpected<Error>(std::move(result.error()));
}

/// An error for the failed system call `what` on `path`, from `error_number` (errno), with a hint where one is known.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, std::string_view path, int error_number);

/// `file:line:column: message` and, on a second line, the hint. Parts that are not known are left out.
[[nodiscard]] std::string describe(const Error& error);

/// sysexits(3) code for an error: 64 usage, 65 data, 66 no input, 70 internal, 73 output, 74 I/O, 75 busy, 77
/// permission, 78 config.
[[nodiscard]] int exit_code(Code code);

}  // namespace aegir
