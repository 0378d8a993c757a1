// A visitor with a memory for cookies, who follows redirects and fills in forms.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/live/harness/http.hpp"

namespace aegir::drupal {

/// A form of a page, as a browser would send it untouched.
struct Form {
  std::string action;  ///< path and query
  std::vector<std::pair<std::string, std::string>> fields;

  /// Sets a field, adding it when the form has none of that name.
  void set(const std::string& name, const std::string& value);
};

/// A file to be uploaded.
struct Upload {
  std::string field;
  std::string name;
  std::string type;
  std::string content;
};

class Browser {
 public:
  /// `authority` goes into Host, and is where links must lead to.
  Browser(live::Endpoint endpoint, std::string authority)
      : endpoint_(std::move(endpoint)), authority_(std::move(authority)) {}

  /// GET, then what it redirects to (as long as that is the same authority), up to ten times. `path()` is where it
  /// ended.
  live::Response open(const std::string& path);
  /// GET once.
  live::Response get(const std::string& path);
  /// POST as multipart/form-data, then the redirects.
  live::Response submit(const Form& form, const std::vector<Upload>& uploads = {});
  /// Path and query of the last answer.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Path and query of a link to this authority; empty for one that leads elsewhere. Entities are decoded.
  [[nodiscard]] std::string local(std::string_view link) const;

 private:
  live::Response ask(const std::string& request);
  live::Response follow(live::Response response);
  [[nodiscard]] std::string head(const char* method, const std::string& path) const;

  live::Endpoint endpoint_;
  std::string authority_;
  std::string path_;
  std::map<std::string, std::string> cookies_;
};

/// The form of a page that has a field of that name. Throws std::runtime_error when there is none.
[[nodiscard]] Form form_with(const std::string& html, const std::string& field);
/// The values of an attribute in all tags of that name, decoded: all_of(html, "img", "src").
[[nodiscard]] std::vector<std::string> all_of(const std::string& html, const std::string& tag,
                                              const std::string& attribute);
/// What stands in <title>; empty when there is none.
[[nodiscard]] std::string title_of(const std::string& html);

}  // namespace aegir::drupal
