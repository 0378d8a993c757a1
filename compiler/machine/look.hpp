// A look at what would be put right: the rules stand once, with who puts it right.
#pragma once

namespace aegir::machine {

/// While one lives, owners, modes, access lists and directories stay as they are: the functions that put them right
/// (ensure_directory(), ensure_file(), prepare_site(), prepare_block() …) say in `done` what they would do, and
/// kNotFound for a directory that is missing. Nothing else is held back, files least of all. Holds for the whole
/// process, and for a child of it.
class OnlyLook {
 public:
  OnlyLook() noexcept { holding = true; }
  ~OnlyLook() { holding = false; }
  OnlyLook(const OnlyLook&) = delete;
  OnlyLook& operator=(const OnlyLook&) = delete;
  [[nodiscard]] static bool holds() noexcept { return holding; }

 private:
  inline static bool holding = false;
};

}  // namespace aegir::machine
