#include "tests/drupal/browser.hpp"

#include <algorithm>
#include <regex>
#include <stdexcept>

namespace aegir::drupal {
namespace {

std::string decoded(std::string text) {
  for (const auto& [entity, character] : {std::pair{"&quot;", "\""}, std::pair{"&#039;", "'"}, std::pair{"&#39;", "'"},
                                          std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"}, std::pair{"&amp;", "&"}}) {
    for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos; ++at) {
      text.replace(at, std::string_view(entity).size(), character);
    }
  }
  return text;
}

/// An attribute of a tag's text, decoded; nothing when the tag has none.
std::optional<std::string> attribute_of(const std::string& tag, const std::string& name) {
  std::smatch match;
  if (!std::regex_search(tag, match, std::regex("[\\s]" + name + "\\s*=\\s*(\"([^\"]*)\"|'([^']*)')"))) {
    return std::nullopt;
  }
  return decoded(match[2].matched ? match[2].str() : match[3].str());
}

bool has(const std::string& tag, const char* word) {
  return std::regex_search(tag, std::regex(std::string("\\s") + word + "[\\s=/>]"));
}

/// The texts between `open` and `close`, each with its opening tag.
std::vector<std::string> elements(const std::string& html, const std::string& name) {
  std::vector<std::string> found;
  const std::string close = "</" + name + ">";
  for (std::size_t at = 0; (at = html.find("<" + name, at)) != std::string::npos;) {
    const std::size_t end = html.find(close, at);
    if (end == std::string::npos) break;
    found.push_back(html.substr(at, end - at));
    at = end;
  }
  return found;
}

std::vector<std::string> tags(const std::string& html, const std::string& name) {
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = html.find("<" + name, at)) != std::string::npos;) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) break;
    const char next = html[at + 1 + name.size()];
    if (next == ' ' || next == '\n' || next == '>' || next == '/') found.push_back(html.substr(at, end + 1 - at));
    at = end;
  }
  return found;
}

}  // namespace

void Form::set(const std::string& name, const std::string& value) {
  const auto at = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
  if (at == fields.end()) {
    fields.emplace_back(name, value);
  } else {
    at->second = value;
  }
}

std::string Browser::local(std::string_view link) const {
  std::string text = decoded(std::string(link));
  for (const std::string& start : {"http://" + authority_, "//" + authority_}) {
    if (text.starts_with(start)) {
      text = text.substr(start.size());
      break;
    }
  }
  if (text.empty()) return "/";
  return text.starts_with('/') && !text.starts_with("//") ? text : "";
}

std::string Browser::head(const char* method, const std::string& path) const {
  std::string text = std::string(method) + " " + path.substr(0, path.find('#')) + " HTTP/1.1\r\nHost: " + authority_ +
                     "\r\nConnection: close\r\n";
  std::string cookies;
  for (const auto& [name, value] : cookies_) cookies += (cookies.empty() ? "" : "; ") + name + "=" + value;
  if (!cookies.empty()) text += "Cookie: " + cookies + "\r\n";
  return text;
}

live::Response Browser::ask(const std::string& request) {
  live::Response response = live::ask(endpoint_, request);
  for (const auto& [name, value] : response.headers) {
    if (name != "Set-Cookie" && name != "set-cookie") continue;
    const std::size_t equals = value.find('=');
    const std::string cookie = value.substr(0, equals);
    const std::string content = value.substr(equals + 1, value.find(';') - equals - 1);
    if (content.empty() || content == "deleted") {
      cookies_.erase(cookie);
    } else {
      cookies_[cookie] = content;
    }
  }
  return response;
}

live::Response Browser::get(const std::string& path) {
  path_ = path;
  return ask(head("GET", path) + "\r\n");
}

live::Response Browser::follow(live::Response response) {
  for (int hops = 0; hops < 10 && response.status / 100 == 3 && response.status != 304; ++hops) {
    const std::string next = local(response.value("Location"));
    if (next.empty()) break;
    response = get(next);
  }
  return response;
}

live::Response Browser::open(const std::string& path) { return follow(get(path)); }

live::Response Browser::submit(const Form& form, const std::vector<Upload>& uploads) {
  constexpr const char* kBoundary = "----aegir-test-boundary-7d1a";
  std::string body;
  for (const auto& [name, value] : form.fields) {
    body += std::string("--") + kBoundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" +
            value + "\r\n";
  }
  for (const Upload& upload : uploads) {
    body += std::string("--") + kBoundary + "\r\nContent-Disposition: form-data; name=\"" + upload.field +
            "\"; filename=\"" + upload.name + "\"\r\nContent-Type: " + upload.type + "\r\n\r\n" + upload.content +
            "\r\n";
  }
  body += std::string("--") + kBoundary + "--\r\n";
  path_ = form.action;
  return follow(ask(head("POST", form.action) + "Content-Type: multipart/form-data; boundary=" + kBoundary +
                    "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
}

Form form_with(const std::string& html, const std::string& field) {
  for (const std::string& element : elements(html, "form")) {
    if (!element.contains("name=\"" + field + "\"")) continue;
    Form form;
    form.action = attribute_of(element.substr(0, element.find('>') + 1), "action").value_or("");
    for (const std::string& input : tags(element, "input")) {
      const std::optional<std::string> name = attribute_of(input, "name");
      const std::string type = attribute_of(input, "type").value_or("text");
      if (!name || has(input, "disabled") || type == "file" || type == "submit" || type == "image" || type == "button")
        continue;
      if ((type == "checkbox" || type == "radio") && !has(input, "checked")) continue;
      form.fields.emplace_back(*name, attribute_of(input, "value").value_or(type == "checkbox" ? "on" : ""));
    }
    for (const std::string& area : elements(element, "textarea")) {
      const std::size_t end = area.find('>') + 1;
      const std::optional<std::string> name = attribute_of(area.substr(0, end), "name");
      if (name) form.fields.emplace_back(*name, decoded(area.substr(end)));
    }
    for (const std::string& select : elements(element, "select")) {
      const std::optional<std::string> name = attribute_of(select.substr(0, select.find('>') + 1), "name");
      const std::vector<std::string> options = tags(select, "option");
      if (!name || options.empty()) continue;
      const auto chosen = std::ranges::find_if(options, [](const std::string& tag) { return has(tag, "selected"); });
      form.fields.emplace_back(*name,
                               attribute_of(chosen == options.end() ? options.front() : *chosen, "value").value_or(""));
    }
    return form;
  }
  throw std::runtime_error("the page has no form with the field " + field + ": " + title_of(html));
}

std::vector<std::string> all_of(const std::string& html, const std::string& tag, const std::string& attribute) {
  std::vector<std::string> values;
  for (const std::string& text : tags(html, tag)) {
    if (std::optional<std::string> value = attribute_of(text, attribute)) values.push_back(*value);
  }
  return values;
}

std::string title_of(const std::string& html) {
  const std::size_t begin = html.find("<title>");
  const std::size_t end = html.find("</title>");
  return begin == std::string::npos || end == std::string::npos ? "" : decoded(html.substr(begin + 7, end - begin - 7));
}

}  // namespace aegir::drupal
