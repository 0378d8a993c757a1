#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "compiler/core/crc32c.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {
namespace {

constexpr std::string_view kFirstLine = "aegir-map 1\n";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kMaxCurrent = 1024;
constexpr const char* kDamagedHint =
    "the next `aegirc publish` writes it anew; until then web servers that run keep their last good state";

template <class Bytes>
void append_hex(std::string& text, const Bytes& bytes) {
  for (const unsigned char byte : bytes) {
    text += kHexDigits[byte >> 4U];
    text += kHexDigits[byte & 15U];
  }
}

std::array<unsigned char, 4> big_endian(std::uint32_t value) {
  return {static_cast<unsigned char>(value >> 24U), static_cast<unsigned char>(value >> 16U),
          static_cast<unsigned char>(value >> 8U), static_cast<unsigned char>(value)};
}

bool parse_hex(std::string_view text, std::span<unsigned char> bytes) {
  if (text.size() != 2 * bytes.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t high = kHexDigits.find(text[2 * i]);
    const std::size_t low = kHexDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    bytes[i] = static_cast<unsigned char>(high << 4U | low);
  }
  return true;
}

bool parse_decimal(std::string_view text, std::uint64_t& value) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size();
}

/// The beginning of a line for a message: whatever bytes a damaged file has.
std::string quoted(std::string_view line) {
  constexpr std::size_t kShown = 40;
  if (line.empty()) return "nothing";
  std::string text = "'";
  for (const char byte : line.substr(0, kShown)) text += byte >= ' ' && byte <= '~' ? byte : '?';
  return text + (line.size() > kShown ? "…'" : "'");
}

/// "<kind>-<decimal>-<8 hex digits>.map"
bool is_file_name(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind) || !name.ends_with(".map")) return false;
  name.remove_prefix(kind.size());
  name.remove_suffix(4);
  const std::size_t dash = name.find('-');
  std::uint64_t generation = 0;
  std::array<unsigned char, 4> digest;
  return dash != std::string_view::npos && parse_decimal(name.substr(0, dash), generation) &&
         parse_hex(name.substr(dash + 1), digest);
}

/// Opens the file that CURRENT names, or takes it from the state before.
Result<std::shared_ptr<const MapFile>> open_named(const std::string& directory, const std::string& name,
                                                  const Current& current,
                                                  const std::shared_ptr<const MapFile>& before) {
  const std::string path = directory + "/" + name;
  if (before && before->header().registry_id == current.registry_id && file_name(before->header()) == name &&
      !before->replaced_at(path)) {
    return before;
  }
  Result<std::shared_ptr<const MapFile>> file = MapFile::open(path);
  if (!file) return file;
  const Header& header = (*file)->header();
  if (header.registry_id != current.registry_id) {
    return fail_at(path, Code::kCorrupt, "it belongs to another registry than CURRENT", kRebuildHint);
  }
  if (file_name(header) != name) {
    return fail_at(path, Code::kCorrupt, "its header belongs to a file named " + file_name(header), kRebuildHint);
  }
  return file;
}

Result<std::shared_ptr<const Snapshot>> open_state(const std::string& directory, const Current& current,
                                                   const std::shared_ptr<const Snapshot>& previous) {
  static const std::shared_ptr<const MapFile> kNone;
  auto base = open_named(directory, current.base, current, previous ? previous->shared_base() : kNone);
  if (!base) return pass(base);
  std::shared_ptr<const MapFile> delta;
  if (!current.delta.empty()) {
    auto opened = open_named(directory, current.delta, current, previous ? previous->shared_delta() : kNone);
    if (!opened) return pass(opened);
    delta = *std::move(opened);
  }
  if (previous && previous->shared_base() == *base && previous->shared_delta() == delta) return previous;
  auto snapshot = Snapshot::make(*std::move(base), std::move(delta));
  if (snapshot && (*snapshot)->generation() != current.generation) {
    return fail_at(directory + "/CURRENT", Code::kCorrupt,
                   "it says generation " + std::to_string(current.generation) + ", its files have " +
                       std::to_string((*snapshot)->generation()),
                   kRebuildHint);
  }
  return snapshot;
}

}  // namespace

std::string format_current(const Current& current) {
  std::string text(kFirstLine);
  text += "registry ";
  append_hex(text, current.registry_id);
  text += "\ngeneration " + std::to_string(current.generation);
  text += "\nbase " + current.base;
  text += "\ndelta " + (current.delta.empty() ? "-" : current.delta) + "\n";
  const std::uint32_t check = crc32c(text.data(), text.size());
  text += "check ";
  append_hex(text, big_endian(check));
  return text + "\n";
}

Result<Current> parse_current(std::string_view text, std::string_view file) {
  std::uint32_t line_number = 0;
  std::string_view rest = text;
  std::string_view line;
  const auto damaged = [&](const std::string& how) {
    return std::unexpected<Error>(
        Error{Code::kCorrupt, "CURRENT is damaged: " + how, {std::string(file), line_number, 1}, kDamagedHint});
  };
  const auto refuse = [&](const std::string& expected) {
    return damaged("expected " + expected + ", found " + quoted(line));
  };
  const auto next = [&](std::string_view word, std::string_view& value) {
    ++line_number;
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    if (end == std::string_view::npos || !rest.starts_with(word)) return false;
    value = rest.substr(word.size(), end - word.size());
    rest.remove_prefix(end + 1);
    return true;
  };
  Current current;
  std::string_view value;
  if (!next("aegir-map ", value)) return refuse("'aegir-map 1'");
  if (value != "1") {
    std::uint64_t version = 0;
    auto error = refuse("'aegir-map 1'");
    if (parse_decimal(value, version) && version > kFormatVersion) {
      error.error().code = Code::kTooNew;
      error.error().message = "format version " + std::string(value) + ", this program reads 1";
      error.error().hint = "install the newer aegir everywhere";
    }
    return error;
  }
  if (!next("registry ", value) || !parse_hex(value, current.registry_id)) {
    return refuse("'registry' and 32 hex digits");
  }
  if (!next("generation ", value) || !parse_decimal(value, current.generation)) {
    return refuse("'generation' and a number");
  }
  if (!next("base ", value) || !is_file_name(value, "base-")) return refuse("'base' and the name of a base");
  current.base = value;
  if (!next("delta ", value) || (value != "-" && !is_file_name(value, "delta-"))) {
    return refuse("'delta' and the name of a delta or '-'");
  }
  if (value != "-") current.delta = value;
  const std::size_t checked = text.size() - rest.size();
  std::array<unsigned char, 4> check;
  if (!next("check ", value) || !parse_hex(value, check)) return refuse("'check' and 8 hex digits");
  if (check != big_endian(crc32c(text.data(), checked))) return damaged("the checksum of the lines before is wrong");
  if (!rest.empty()) {
    ++line_number;
    return damaged("expected nothing after the checksum");
  }
  return current;
}

Result<Current> read_current(const std::string& directory) {
  const std::string path = directory + "/CURRENT";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    auto error = fail_errno("the state of the map can't be opened", path, errno);
    if (error.error().code == Code::kNotFound) error.error().hint = "`aegirc publish` makes the map from the registry";
    return error;
  }
  std::array<char, kMaxCurrent + 1> buffer;
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while ((got > 0 && size < buffer.size()) || (got < 0 && errno == EINTR));
  const int error_number = errno;
  ::close(fd);
  if (got < 0) return fail_errno("the state of the map can't be read", path, error_number);
  if (size > kMaxCurrent) {
    return fail_at(path, Code::kCorrupt, "CURRENT is damaged: longer than it can be", kDamagedHint);
  }
  return parse_current({buffer.data(), size}, path);
}

Result<std::shared_ptr<const Snapshot>> open_published(const std::string& directory,
                                                       const std::shared_ptr<const Snapshot>& previous) {
  Result<Current> current = read_current(directory);
  while (current) {
    auto snapshot = open_state(directory, *current, previous);
    if (snapshot || snapshot.error().code != Code::kNotFound) return snapshot;
    // A publisher may have replaced CURRENT and removed old files in between; it did not when CURRENT is the
    // same.
    Result<Current> again = read_current(directory);
    if (again && again->generation == current->generation && again->base == current->base &&
        again->delta == current->delta) {
      return snapshot;
    }
    current = std::move(again);
  }
  return pass(current);
}

}  // namespace aegir::map
