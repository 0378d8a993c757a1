// What is wrong with an object of the registry, field by field. The Writer refuses with the first problem; an import
// shows all of them, each at its place in the document.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::registry {

/// One thing that is wrong. `field` is the path inside the object as its JSON names it ("aliases/www.x/redirect_to",
/// "key_pages/0"); empty when it is about the object's own name.
struct Problem {
  std::string field;
  std::string message;
  std::string hint = {};
  Code code = Code::kInvalid;
  std::string missing = {};  ///< the object that it refers to and that is not there: "platforms/d10"
  std::vector<std::string> also =
      {};  ///< other fields that it comes from; an import tells it only when these are right
};

using Problems = std::vector<Problem>;

}  // namespace aegir::registry
