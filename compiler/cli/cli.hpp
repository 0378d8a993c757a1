// The parts of aegirc: what all commands share, and one function for each group of commands that adds it to the tree.
// main.cpp only puts them together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "compiler/cli/outcome.hpp"
#include "compiler/cli/output.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/registry/store.hpp"

// Its header only where options are added: clang-tidy takes a minute for it.
namespace CLI {
class App;
}

namespace aegir::cli {

/// One run of aegirc: the global options, and the command that was chosen.
struct Cli {
  std::string config_file{kConfigFile};
  Output out;
  std::function<Outcome()> command;
  int status = 0;  ///< exit code of a command without an error; only diff has another
};

void add_compile(CLI::App& app, Cli& cli);  ///< compile, check
void add_diff(CLI::App& app, Cli& cli);
void add_publish(CLI::App& app, Cli& cli);
void add_verify(CLI::App& app, Cli& cli);
void add_lookup(CLI::App& app, Cli& cli);
void add_explain(CLI::App& app, Cli& cli);
void add_keygen(CLI::App& app, Cli& cli);         ///< keygen map|registry
void add_registry(CLI::App& app, Cli& cli);       ///< export, import
void add_map(CLI::App& app, Cli& cli);            ///< map dump|verify|compact
void add_documentation(CLI::App& app, Cli& cli);  ///< completion, manual, schema

/// The configuration of --config.
[[nodiscard]] ConfigResult configuration(const Cli& cli);

/// Whether this process was started as root.
[[nodiscard]] bool is_root();

/// For files that only root may read: root while it lives, when this process can be root.
[[nodiscard]] Result<std::optional<machine::AsRoot>> as_root();

/// When the process is root: works as aegir from now on, and root only inside aegir_machine. Else nothing.
[[nodiscard]] Result<void> work_as_aegir(const Config& config);

/// The key of the site map, read as who we are; an empty ring when there is no such file, since not every registry
/// needs one.
[[nodiscard]] Result<KeyRing> map_keys(const Config& config);

/// Opens the registry of the configuration with its key, as who we are. For writing it waits up to 10 s for another
/// writer, and notes that.
[[nodiscard]] Result<std::unique_ptr<registry::Store>> open_registry(const Output& out, const Config& config,
                                                                     registry::Store::Mode mode);

/// A document's text, of at most kMaxDocument bytes: of whatever can be read under that name (a file, a link to one, a
/// pipe), or with "-" of standard input.
[[nodiscard]] Result<std::string> read_document(const std::string& file);

/// What messages call it.
[[nodiscard]] std::string document_name(const std::string& file);

/// A registry in memory that holds a document; every error of it otherwise. Notes secrets that the document leaves out.
[[nodiscard]] std::expected<std::unique_ptr<registry::Store>, Errors> document_registry(const Output& out,
                                                                                        const Config& config,
                                                                                        const std::string& file,
                                                                                        const std::string& text);
/// The same of a document that is yet to be read.
[[nodiscard]] std::expected<std::unique_ptr<registry::Store>, Errors> document_registry(const Output& out,
                                                                                        const Config& config,
                                                                                        const std::string& file);

/// Who runs this command, for the audit: the user behind sudo, if any.
[[nodiscard]] registry::Actor actor(std::string why);

}  // namespace aegir::cli
