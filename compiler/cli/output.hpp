// What a program of ours says: results on stdout, as lines for a person or as JSON for a script; errors on stderr, each
// with its place and the next step.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::cli {

using Json = nlohmann::ordered_json;

enum class Format : std::uint8_t { kTable, kJson };

/// One program's two streams. Used from one thread.
class Output {
 public:
  Format format = Format::kTable;
  std::string_view program = "aegirc";  ///< begins what it says on stderr

  /// What a writing command did: `sentence` for a person, `facts` for a script.
  void did(std::string_view sentence, const Json& facts) const;
  /// One thing with its properties: a line each, or the object. Values are texts, numbers, flags and lists of texts.
  void record(const Json& object) const;
  /// A list: aligned columns, or an array of objects with the columns' names as keys.
  void table(std::span<const std::string_view> columns, const std::vector<std::vector<std::string>>& rows) const;
  /// Something to know that is no failure: a line on stderr at once, or in JSON a member "notes" of the next object.
  void note(std::string_view sentence) const;
  /// The end of a run: kIo when something that was printed on stdout has not arrived (a full disk).
  [[nodiscard]] Result<void> finish() const;
  /// Prints errors, the first 100 of them and how many more there are, and returns the exit code of the first
  /// (sysexits).
  [[nodiscard]] int fail(std::span<const Error> errors) const;
  [[nodiscard]] int fail(const Error& error) const { return fail(std::span(&error, 1)); }

 private:
  friend class LongReport;
  /// Adds the notes that wait to `object`.
  [[nodiscard]] Json with_notes(Json object) const;

  mutable std::vector<std::string> notes_;  ///< for JSON; commands only see a const Output
};

/// A report of any length, printed as it comes: lines for a person, for a script one object whose first members are
/// lists. Used from one thread; `out` must outlive it.
class LongReport {
 public:
  explicit LongReport(const Output& out) : out_(out) {}

  /// Begins a list, and ends the one before.
  void list(std::string_view name);
  /// The next entry of it.
  void entry(std::string_view text, const Json& facts);
  /// Ends the report: once, after at least one list.
  void end(std::string_view sentence, const Json& facts);

 private:
  const Output& out_;
  bool begun_ = false;
  bool empty_ = true;  ///< the list that is open
};

/// "1 site", "2,000 sites": a number with its noun.
[[nodiscard]] std::string count(std::uint64_t number, std::string_view singular, std::string_view plural = {});

/// "384 B", "1.5 MiB".
[[nodiscard]] std::string bytes(std::uint64_t size);

}  // namespace aegir::cli
