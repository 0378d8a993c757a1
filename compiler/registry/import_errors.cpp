// How errors of the Writer become errors of the document that is imported, at their places.
#include <algorithm>
#include <charconv>

#include "compiler/registry/importer.hpp"

namespace aegir::registry {
namespace {

/// Whether the errors are about the document; else the store itself has failed and the import ends at once.
bool is_about_document(Code code) {
  return code == Code::kInvalid || code == Code::kConflict || code == Code::kNotFound;
}

bool stands_for(const Node& key, std::string_view name) {
  if (!key.is(Node::Kind::kText)) return false;
  if (key.text() == name) return true;
  const Result<std::string> canonical = canonical_name(key.text(), true);
  return canonical && *canonical == name;
}

}  // namespace

const Node& locate(const Node& key, const Node& value, std::string_view field) {
  const Node* at = &key;
  const Node* inside = &value;
  while (!field.empty()) {
    const std::string_view part = field.substr(0, field.find('/'));
    field.remove_prefix(std::min(part.size() + 1, field.size()));
    const Node* next = nullptr;
    if (inside->is(Node::Kind::kObject)) {
      const auto member =
          std::ranges::find_if(inside->members(), [&](const auto& each) { return stands_for(each.key, part); });
      // A name is what is wrong with a member that is an object itself; else it is the value.
      if (member != inside->members().end()) {
        at = field.empty() && member->value.is(Node::Kind::kObject) ? &member->key : &member->value;
        next = &member->value;
      }
    } else if (inside->is(Node::Kind::kList)) {
      std::size_t index = 0;
      const auto entry = std::ranges::find_if(inside->list(), [&](const Node& each) { return stands_for(each, part); });
      if (entry != inside->list().end()) {
        at = next = &*entry;
      } else if (std::from_chars(part.data(), part.data() + part.size(), index).ec == std::errc{} &&
                 index < inside->list().size()) {
        at = next = &inside->list()[index];
      }
    }
    if (next == nullptr) break;
    inside = next;
  }
  return *at;
}

Result<void> Importer::check_servers() {
  const Node* section = root_.is(Node::Kind::kObject) ? root_.find("servers") : nullptr;
  for (const auto& [name, problem] : writer_->check_servers()) {
    const Node* node = section == nullptr ? nullptr : section->find(name);
    const Node& at = node == nullptr ? root_ : locate(*node, *node, problem.field);
    if (!is_about_document(problem.code))
      return std::unexpected(Error{problem.code, problem.message, {}, problem.hint});
    diagnostics_.refuse(at, "servers/" + name + "/" + problem.field, problem.message, problem.hint, problem.code);
  }
  return {};
}

Result<void> Importer::note(const Error& error, const Problems& problems, const Node& key, const Node& value,
                            const std::string& path, std::size_t first_error) {
  if (!is_about_document(error.code)) return std::unexpected<Error>(error);
  if (problems.empty()) diagnostics_.refuse(key, path, error.message, error.hint, error.code);
  for (const Problem& problem : problems) {
    if (!is_about_document(problem.code))
      return std::unexpected(Error{problem.code, problem.message, {}, problem.hint});
    const std::string at = problem.field.empty() ? path : path + "/" + problem.field;
    // What follows from an error that was told already is not told again.
    const auto told = [&](const std::string& field) { return diagnostics_.covers(path + "/" + field, first_error); };
    if (diagnostics_.covers(at, first_error) || failed_.contains(problem.missing)) continue;
    if (std::ranges::any_of(problem.also, told)) continue;
    diagnostics_.refuse(locate(key, value, problem.field), at, problem.message, problem.hint, problem.code);
  }
  return {};
}

}  // namespace aegir::registry
