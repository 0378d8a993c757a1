// How a server block or virtual host of either form is told its certificate.
#pragma once

#include <string>

#include "compiler/emit/text.hpp"

namespace aegir::emit {

// `path` is that of certificate, chain and key in one file.
void nginx_certificate(Text& text, const std::string& path);
void apache_certificate(Text& text, const std::string& path);

}  // namespace aegir::emit
