#include "compiler/core/error.hpp"

#include <cerrno>
#include <system_error>

namespace aegir {

std::unexpected<Error> fail_errno(std::string_view what, std::string_view path, int error_number) {
  Code code = Code::kIo;
  std::string hint;
  switch (error_number) {
    case ENOSPC:
      hint = "free some space on the file system of this path and run the command again";
      break;
    case EDQUOT:  // somebody's will, unlike a full disk
      code = Code::kPermission;
      hint = "raise the quota of the file's owner or group, or free some of it, and run the command again";
      break;
    case EACCES:
    case EPERM:
      code = Code::kPermission;
      hint = "check the owner and mode of the path, or run the command as root";
      break;
    case ENOENT:
      code = Code::kNotFound;
      break;
    case EEXIST:
    case ELOOP:    // a link where none may be
    case ENOTDIR:  // something else than a directory
      code = Code::kConflict;
      break;
    case EAGAIN:
    case EBUSY:
      code = Code::kBusy;
      break;
    default:
      break;
  }
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error_number);
  return fail_at(path, code, std::move(message), std::move(hint));
}

std::string describe(const Error& error) {
  std::string text;
  if (!error.place.file.empty()) {
    text += error.place.file;
    if (error.place.line != 0) {
      text += ':' + std::to_string(error.place.line);
      if (error.place.column != 0) text += ':' + std::to_string(error.place.column);
    }
    text += ": ";
  }
  text += error.message;
  if (!error.hint.empty()) {
    text += "\n  next: ";
    text += error.hint;
  }
  return text;
}

int exit_code(Code code) {
  switch (code) {
    case Code::kUsage:
      return 64;
    case Code::kInvalid:
    case Code::kCorrupt:
    case Code::kConflict:
      return 65;
    case Code::kNotFound:
      return 66;
    case Code::kTooNew:
      return 78;
    case Code::kPermission:
      return 77;
    case Code::kCantCreate:
      return 73;
    case Code::kIo:
      return 74;
    case Code::kBusy:
      return 75;
    case Code::kInternal:
      break;
  }
  return 70;
}

}  // namespace aegir
