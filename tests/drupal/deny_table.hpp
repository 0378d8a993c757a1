// A table of paths with what a stock Apache, that obeys the codebase's own .htaccess files, answers, and what we must.
//
//   <class>[+] <target> [# reason]     one a line; lines that begin with '#' are comments
//
//   page      all answer 200
//   open      all answer 200 with the same bytes
//   closed    the stock server refuses (4xx), and so do we
//   stricter  the stock server shows something, we refuse; the reason says why
//   may       the stock server shows something; we may, or refuse
//   same      we answer with the same status and the same Location, or refuse
//
// "+" puts a file at that place first, unless there is one: PHP that would betray itself if it ran or if its source
// were shown. In a target {site} stands for sites/<the site's directory>. The class is what the stock server's answer
// must confirm: a line that says "closed" of something that is open there is wrong, whatever we answer.
#pragma once

#include <string>
#include <vector>

namespace aegir::drupal {

struct DenyRow {
  enum class Class { kPage, kOpen, kClosed, kStricter, kMay, kSame };
  std::size_t line = 0;
  Class expected = Class::kClosed;
  bool plant = false;
  std::string target;
  std::string reason;
};

/// Reads a table for a site of that uri. Throws std::runtime_error with the line that is malformed.
[[nodiscard]] std::vector<DenyRow> read_deny_table(const std::string& file, const std::string& uri);

}  // namespace aegir::drupal
