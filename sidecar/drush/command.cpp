#include "sidecar/drush/command.hpp"

#include <utility>

#include "compiler/core/utf8.hpp"

namespace aegir::drush {
namespace {

using registry::Document;
using registry::Node;

/// PHP as every run has it. Its own complaints go to standard error, once, as text: standard output is for data.
std::vector<std::string> php(const Site& site) {
  return {site.php_dir + "/php",
          "-d",
          "memory_limit=" + std::to_string(site.memory_limit) + "M",
          "-d",
          "display_errors=stderr",
          "-d",
          "log_errors=0",
          "-d",
          "html_errors=0",
          "-d",
          "sys_temp_dir=" + site.tmp};
}

std::vector<std::string> environment(const Site& site) {
  return {"PATH=" + site.php_dir + ":/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + site.home,
          // Drush 12 and 13 take TEMP, then TMP; Drush 8 and PHP TMPDIR.
          "TMP=" + site.tmp, "TEMP=" + site.tmp, "TMPDIR=" + site.tmp,
          // Drush 8 breaks its log into lines of this width, which would tear labels and passwords apart.
          "COLUMNS=240",
          // Else bee's tput complains.
          "TERM=dumb", "db_type=" + site.service.type, "db_name=" + site.database.name, "db_user=" + site.database.user,
          "db_passwd=" + site.database.password, "db_host=" + site.service.host,
          "db_port=" + std::to_string(site.service.port)};
}

process::Program program(const Site& site, Milliseconds patience, const Progress& progress) {
  process::Program program;
  program.argv = php(site);
  program.environment = environment(site);
  program.directory = site.docroot;
  program.patience = patience;
  if (progress) {
    program.on_line = [progress, secrets = secrets_of(site)](std::string_view line) {
      Line read = read_line(line, secrets);
      if (!read.text.empty()) progress(read);
    };
  }
  return program;
}

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Without white space and byte order marks in front.
std::string_view document_in(std::string_view out) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  while (!out.empty()) {
    if (is_white(out.front())) {
      out.remove_prefix(1);
    } else if (out.starts_with(kMark)) {
      out.remove_prefix(kMark.size());
    } else {
      break;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> secrets_of(const Site& site) { return {site.database.password}; }

process::Program tool_program(const Site& site, const std::vector<std::string>& arguments, Milliseconds patience,
                              const Progress& progress) {
  process::Program made = program(site, patience, progress);
  made.argv.push_back(site.tool.script);
  if (site.cms == registry::Cms::kBackdrop) {
    made.argv.push_back("--base-url=" + site.origin);
    made.directory = site.docroot + "/sites/" + site.uri;
  } else {
    made.argv.insert(made.argv.end(), {"--root=" + site.docroot, "--uri=" + site.origin, "--yes"});
  }
  made.argv.insert(made.argv.end(), arguments.begin(), arguments.end());
  return made;
}

process::Program php_program(const Site& site, std::string_view source, const std::vector<std::string>& arguments,
                             Milliseconds patience, const Progress& progress) {
  process::Program made = program(site, patience, progress);
  made.argv.emplace_back("--");
  made.argv.insert(made.argv.end(), arguments.begin(), arguments.end());
  made.input = "<?php\n" + std::string(source);
  return made;
}

Command::Command(const Site& site, std::string name)
    : site_(site), name_(std::move(name)), secrets_(secrets_of(site)) {}

std::string Command::quote(std::string_view hostile) const { return harmless(hostile, secrets_); }

std::unexpected<Error> Command::wrong(std::string_view what, std::string hint, Code code) const {
  const bool bee = site_.cms == registry::Cms::kBackdrop;
  if (hint.empty()) hint = "mend what it says and try again; its whole log stands in that of the task";
  return fail(code, (bee ? "bee " : "drush ") + name_ + " for " + site_.uri + ": " + std::string(what),
              std::move(hint));
}

Result<process::Output> Command::run(process::Runner& runner, const process::Program& program) const {
  Result<process::Output> output = runner.run(program);
  if (!output) return pass(output);
  if (output->asked) return wrong("it was ended before it was done", "try it again", Code::kBusy);
  if (!output->in_time) {
    return wrong("it was not done after " +
                     std::to_string(std::chrono::duration_cast<std::chrono::seconds>(program.patience).count()) +
                     " seconds, and was ended",
                 {}, Code::kBusy);
  }
  if (output->status != 0) {
    std::string reason = reason_in(output->err, secrets_);
    if (reason.empty()) reason = "it gave no reason";
    if (output->starved != 0) {
      return wrong("it ended with status " + std::to_string(output->status) + " when it had nearly the " +
                       std::to_string(output->starved >> 20U) +
                       " MiB of memory that a program of a site may have: " + reason,
                   "look for what needs so much, a module or a size of its data");
    }
    return wrong("it ended with status " + std::to_string(output->status) + ": " + reason);
  }
  if (output->cut) {
    return wrong("it printed more than " + std::to_string(program.longest >> 20U) + " MiB, which nobody reads");
  }
  return output;
}

Result<Document> Command::json(std::string_view out) const {
  const std::string_view text = document_in(out);
  if (text.empty()) return wrong("it printed nothing where JSON was expected");
  Result<Document> document = Document::parse(text, "");
  if (!document) return wrong("it printed no JSON, but '" + quote(text) + "'");
  if (!document->duplicates().empty()) {
    return wrong("its JSON has the key '" + quote(document->duplicates().front().first.text()) + "' twice");
  }
  return document;
}

Members::Members(const Command& command, std::string what, const Node& node)
    : command_(command), what_(std::move(what)), node_(node) {}

const Node* Members::find(std::string_view key) const {
  return node_.is(Node::Kind::kObject) ? node_.find(key) : nullptr;
}

std::unexpected<Error> Members::wrong(std::string_view key, std::string_view what) const {
  return command_.wrong("in " + what_ + " '" + std::string(key) + "' " + std::string(what));
}

Result<std::string> Members::text(std::string_view key, std::size_t longest) const {
  const Node* const node = find(key);
  if (node == nullptr) return wrong(key, "is missing");
  if (!node->is(Node::Kind::kText)) return wrong(key, "is no text");
  if (node->text().size() > longest) return wrong(key, "is longer than " + std::to_string(longest) + " bytes");
  if (find_control_or_bad_utf8(node->text()) != std::string_view::npos) {
    return wrong(key, "has control characters: '" + command_.quote(node->text()) + "'");
  }
  return std::string(node->text());
}

Result<std::string> Members::text_or_empty(std::string_view key, std::size_t longest) const {
  const Node* const node = find(key);
  return node == nullptr || node->is(Node::Kind::kNull) ? Result<std::string>() : text(key, longest);
}

Result<std::uint64_t> Members::number(std::string_view key) const {
  const Node* const node = find(key);
  if (node == nullptr) return wrong(key, "is missing");
  if (!node->is(Node::Kind::kNumber) || node->negative() || node->number() >> 63U != 0) {
    return wrong(key, "is no whole number of 0 or more");
  }
  return node->number();
}

Result<bool> Members::flag(std::string_view key) const {
  const Node* const node = find(key);
  if (node == nullptr) return wrong(key, "is missing");
  if (!node->is(Node::Kind::kFlag)) return wrong(key, "is neither true nor false");
  return node->flag();
}

}  // namespace aegir::drush
