#include "tests/drupal/deny_table.hpp"

#include <sstream>
#include <stdexcept>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::drupal {
namespace {

DenyRow::Class class_of(const std::string& word, const std::string& place) {
  for (const auto& [name, value] :
       {std::pair{"page", DenyRow::Class::kPage}, std::pair{"open", DenyRow::Class::kOpen},
        std::pair{"closed", DenyRow::Class::kClosed}, std::pair{"stricter", DenyRow::Class::kStricter},
        std::pair{"may", DenyRow::Class::kMay}, std::pair{"same", DenyRow::Class::kSame}}) {
    if (word == name) return value;
  }
  throw std::runtime_error(place + ": found the class '" + word + "'");
}

}  // namespace

std::vector<DenyRow> read_deny_table(const std::string& file, const std::string& uri) {
  std::vector<DenyRow> rows;
  std::istringstream lines(live::slurp(file));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = file + ":" + std::to_string(number);
    DenyRow row;
    row.line = number;
    std::istringstream words(line);
    std::string word;
    words >> word >> row.target;
    row.plant = word.ends_with('+');
    if (row.plant) word.pop_back();
    row.expected = class_of(word, place);
    if (const std::size_t reason = line.find(" # "); reason != std::string::npos) row.reason = line.substr(reason + 3);
    if (!row.target.starts_with('/')) throw std::runtime_error(place + ": a target begins with a slash");
    if ((row.expected == DenyRow::Class::kStricter) == row.reason.empty()) {
      throw std::runtime_error(place + ": a reason stands with 'stricter' and with nothing else");
    }
    if (const std::size_t at = row.target.find("{site}"); at != std::string::npos) {
      row.target.replace(at, 6, "sites/" + uri);
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) throw std::runtime_error(file + ": no rows");
  return rows;
}

}  // namespace aegir::drupal
