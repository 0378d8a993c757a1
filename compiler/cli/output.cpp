#include "compiler/cli/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace aegir::cli {
namespace {

void print(std::FILE* stream, std::string_view text, std::string_view end = "\n") {
  if (stream == stderr) (void)std::fflush(stdout);  // in the order in which things happened
  (void)std::fwrite(text.data(), 1, text.size(), stream);
  (void)std::fwrite(end.data(), 1, end.size(), stream);
}

/// Text of a name or message that came from a document or a file: control bytes never reach a terminal.
std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return dump(value, -1);
}

std::string joined(const Json& list) {
  std::string text;
  for (const Json& value : list) text += (text.empty() ? "" : ", ") + plain(value);
  return text;
}

Json to_json(const Error& error) {
  Json object = {{"error", error.message}};
  if (!error.place.file.empty()) object["file"] = error.place.file;
  if (error.place.line != 0) object["line"] = error.place.line;
  if (error.place.column != 0) object["column"] = error.place.column;
  if (!error.hint.empty()) object["next"] = error.hint;
  return object;
}

std::string printable(std::string text) {
  for (char& c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

void Output::did(std::string_view sentence, const Json& facts) const {
  print(stdout, format == Format::kJson ? dump(with_notes(facts), 2) : printable(std::string(sentence)));
}

void Output::record(const Json& object) const {
  if (format == Format::kJson) return print(stdout, dump(with_notes(object), 2));
  std::size_t width = 0;
  for (const auto& [key, value] : object.items()) width = std::max(width, key.size());
  for (const auto& [key, value] : object.items()) {
    std::string line = key;
    line.append(width - key.size() + 2, ' ');
    line += value.is_array() ? joined(value) : plain(value);
    print(stdout, printable(std::move(line)));
  }
}

void Output::table(std::span<const std::string_view> columns, const std::vector<std::vector<std::string>>& rows) const {
  if (format == Format::kJson) {
    Json list = Json::array();
    for (const auto& row : rows) {
      Json object = Json::object();
      for (std::size_t i = 0; i < columns.size(); ++i) object[std::string(columns[i])] = row[i];
      list.push_back(std::move(object));
    }
    return print(stdout, dump(list, 2));
  }
  std::vector<std::size_t> width;
  for (const std::string_view column : columns) width.push_back(column.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(width[i] - row[i].size() + 2, ' ');
    }
    print(stdout, printable(std::move(line)));
  }
}

Json Output::with_notes(Json object) const {
  if (!notes_.empty()) object["notes"] = std::exchange(notes_, {});
  return object;
}

void Output::note(std::string_view sentence) const {
  if (format == Format::kJson) {
    notes_.emplace_back(sentence);
    return;
  }
  std::string line(program);
  (line += ": note: ") += sentence;
  print(stderr, printable(std::move(line)));
}

void LongReport::list(std::string_view name) {
  if (out_.format == Format::kJson) {
    const std::string head = !begun_ ? "{" : empty_ ? "]," : "\n  ],";
    print(stdout, head + "\n  " + dump(Json(name), -1) + ": [", "");
  }
  begun_ = empty_ = true;
}

void LongReport::entry(std::string_view text, const Json& facts) {
  if (out_.format == Format::kJson) {
    print(stdout, (empty_ ? "\n    " : ",\n    ") + dump(facts, -1), "");
    empty_ = false;
    return;
  }
  print(stdout, printable(std::string(text)));
}

void LongReport::end(std::string_view sentence, const Json& facts) {
  if (out_.format != Format::kJson) return print(stdout, printable(std::string(sentence)));
  print(stdout, empty_ ? "]" : "\n  ]", "");
  const Json all = out_.with_notes(facts);
  for (const auto& [key, value] : all.items())
    print(stdout, ",\n  " + dump(Json(key), -1) + ": " + dump(value, -1), "");
  print(stdout, "\n}");
}

Result<void> Output::finish() const {
  if (!notes_.empty()) print(stderr, dump(with_notes(Json::object()), 2));  // of what came after the report
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  const int reason = errno != 0 ? errno : EIO;  // of an earlier write it is not known any more
  auto error = fail_errno("the report can't be written", "standard output", reason);
  error.error().code = Code::kIo;
  error.error().hint = "what the command did is done, its report is lost; send it to a place that can take it";
  return error;
}

int Output::fail(std::span<const Error> errors) const {
  constexpr std::size_t kMostShown = 100;
  const auto shown = errors.first(std::min(errors.size(), kMostShown));
  const std::size_t more = errors.size() - shown.size();
  const std::string name(program);
  if (format == Format::kJson) {
    Json list = Json::array();
    for (const Error& error : shown) list.push_back(to_json(error));
    Json object = {{"errors", list}};
    if (more != 0) object["more_errors"] = more;
    print(stderr, dump(with_notes(std::move(object)), 2));
  } else {
    for (const Error& error : shown) {
      print(stderr, printable((error.place.file.empty() ? name + ": " : std::string()) + describe(error)));
    }
    if (more != 0) print(stderr, name + ": and " + count(more, "more error"));
  }
  return errors.empty() ? 0 : exit_code(errors.front().code);
}

std::string count(std::uint64_t number, std::string_view singular, std::string_view plural) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  digits += ' ';
  if (number == 1) return digits += singular;
  return digits += plural.empty() ? std::string(singular) + 's' : std::string(plural);
}

std::string bytes(std::uint64_t size) {
  if (size < 1024) return std::to_string(size) + " B";
  const char* const units[] = {"KiB", "MiB", "GiB"};
  double value = static_cast<double>(size) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit < 2) value /= 1024, ++unit;
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
  return text;
}

}  // namespace aegir::cli
