// Which name is asked for, and where it leads.
#include <algorithm>
#include <iterator>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {

namespace {

/// A path whose answer tells the site, without PHP.
constexpr const char* kFile = "/files/f.txt";

/// A request whose Host is `host`, or which has the given lines instead of one.
std::string with_host(const std::string& host) { return get(host, kFile); }

std::string absolute(const std::string& uri, const std::string& host) {
  return "GET " + uri + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}

std::vector<Row> name_rows() {
  return {
      {"host", with_host("a.test"), file("file of a.test")},
      {"host_of_another_site", with_host("b.test"), file("file of b.test")},
      {"host_in_capitals", with_host("A.TesT"), file("file of a.test")},
      {"host_with_its_port", with_host("a.test:{port}"), file("file of a.test")},
      {"host_with_a_foreign_port", with_host("a.test:1"), file("file of a.test")},
      {"host_with_a_dot", with_host("a.test."), file("file of a.test")},
      {"host_with_dot_and_port", with_host("a.test.:{port}"), file("file of a.test")},
      {"host_idn", with_host("xn--mnchen-3ya.test"), file("file of a.test")},
      {"host_idn_as_utf8", with_host("m\xc3\xbcnchen.test"), status(400)},
      {"host_unknown", with_host("unknown.test"), status(404)},
      {"host_of_300_characters", with_host(std::string(300, 'x') + ".test"), status(404)},
      {"host_is_an_address", with_host("127.0.0.1:{port}"), status(404)},
      {"host_is_an_ipv6_address", with_host("[::1]"), status(400)},
      {"host_empty", with_host(""), status(400)},
      {"host_missing", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", status(400)},
      {"host_missing_in_http_1_0", "GET / HTTP/1.0\r\n\r\n", status(400)},
      {"host_twice", get("a.test", kFile, {"Host: b.test"}), status(400)},
      {"host_with_two_dots", with_host("a..test"), status(400)},
      {"host_with_a_slash", with_host("a.test/x"), status(400)},
      {"host_with_a_blank", with_host("a.test x"), status(400)},
      {"host_with_a_user", with_host("user@a.test"), status(400)},
      {"host_with_a_comma", with_host("a.test,b.test"), status(400)},
      {"host_with_a_semicolon", with_host("a.test;b.test"), status(400)},
      {"host_with_a_port_of_letters", with_host("a.test:http"), status(400)},
      {"host_with_a_port_too_great", with_host("a.test:65536"), status(400)},
      {"host_with_port_0", with_host("a.test:0"), status(400)},
      {"host_with_an_empty_port", with_host("a.test:"), status(400)},
      {"host_with_an_underscore", with_host("an_underscore.a.test"), file("file of a.test")},
      {"host_of_a_static_server", with_host("static.test"), status(410)},
      {"site_of_nginx_alone", get("of-nginx.test", "/style.css"), file("a style"), status(404)},
      {"site_of_apache_alone", get("of-apache.test", "/style.css"), status(404), file("a style")},
  };
}

std::vector<Row> wildcard_rows() {
  return {
      {"wildcard", with_host("x.a.test"), file("file of a.test")},
      {"wildcard_two_labels", with_host("x.y.a.test"), file("file of a.test")},
      {"wildcard_longest_wins", with_host("x.deep.a.test"), moved("http://a.test/files/f.txt")},
      {"wildcard_below_nothing", with_host("deep.a.test"), file("file of a.test")},
      {"wildcard_but_exact", with_host("in-place.a.test"), file("file of a.test")},
      {"wildcard_but_static_server", with_host("static.a.test"), status(410)},
      {"wildcard_of_another_name", with_host("x.b.test"), status(404)},
  };
}

std::vector<Row> absolute_rows() {
  return {
      {"absolute_uri_wins_over_host", absolute("http://b.test/files/f.txt", "a.test"), file("file of b.test")},
      {"absolute_uri_with_port", absolute("http://b.test:{port}/files/f.txt", "a.test"), file("file of b.test")},
      {"absolute_uri_in_capitals", absolute("HTTP://B.TEST/files/f.txt", "a.test"), file("file of b.test")},
      {"absolute_uri_in_http_1_0", "GET http://b.test/files/f.txt HTTP/1.0\r\n\r\n", file("file of b.test")},
      {"absolute_uri_with_a_long_query", absolute("http://b.test/files/f.txt?" + std::string(3000, 'y'), "a.test"),
       file("file of b.test")},
      {"absolute_uri_unknown", absolute("http://unknown.test/files/f.txt", "a.test"), status(404)},
      {"absolute_uri_https", absolute("https://a.test/files/f.txt", "a.test"), status(400)},
      {"absolute_uri_ftp", absolute("ftp://a.test/files/f.txt", "a.test"), status(400)},
      {"absolute_uri_with_user", absolute("http://user@a.test/files/f.txt", "a.test"), status(400)},
      {"absolute_uri_with_port_0", absolute("http://a.test:0/files/f.txt", "a.test"), status(400)},
      {"absolute_uri_with_an_empty_port", absolute("http://a.test:/files/f.txt", "a.test"), status(400)},
      {"absolute_uri_redirect_takes_path_and_query", absolute("http://www.a.test/x/y?z=1", "b.test"),
       moved("http://a.test/x/y?z=1")},
      {"absolute_uri_without_path", absolute("http://www.a.test?z=1", "a.test"), moved("http://a.test/?z=1")},
  };
}

Row kept(const std::string& name, const std::string& target) {
  return {"redirect_keeps_" + name, get("www.a.test:{port}", target), moved("http://a.test:{port}" + target)};
}

std::vector<Row> redirect_rows() {
  return {
      {"alias_redirects", get("www.a.test", "/"), moved("http://a.test/")},
      {"alias_redirects_to_its_port", get("www.a.test:{port}", "/node/1"), moved("http://a.test:{port}/node/1")},
      {"alias_in_place", with_host("in-place.a.test"), file("file of a.test")},
      {"alias_with_a_target_of_its_own", get("other.a.test", "/x"), moved("http://other.example/x")},
      {"alias_with_an_origin", get("away.a.test:{port}", "/x?y"), moved("https://new.example/x?y")},
      {"site_redirects_to_its_alias", get("away.test", "/x"), moved("http://www.away.test/x")},
      {"target_of_a_redirect_serves", get("www.away.test", "/style.css"), file("a style")},
      {"redirect_of_head", "HEAD /x HTTP/1.1\r\nHost: www.a.test\r\nConnection: close\r\n\r\n",
       moved("http://a.test/x")},
      {"redirect_of_post", "POST /x HTTP/1.1\r\nHost: www.a.test\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b",
       moved("http://a.test/x")},
      {"redirect_in_http_1_0", "GET /x HTTP/1.0\r\nHost: www.a.test\r\n\r\n", moved("http://a.test/x")},
      kept("path_and_query", "/a/b?c=d&e=f"),
      kept("encoded_slashes", "/a%2Fb%5Cc?d=%2F"),
      kept("encoded_line_ends", "/a%0d%0aSet-Cookie:%20x=y"),
      kept("a_foreign_looking_path", "//evil.example/x"),
      kept("a_backslash", "/\\evil.example"),
      kept("semicolons", "/a;b=c;d?e;f"),
      kept("an_empty_query", "/x?"),
      kept("a_second_question_mark", "/x?a?b"),
      kept("dots", "/a/../b/./c"),
      kept("capitals_of_encoding", "/%c3%A4%2e"),
      kept("double_encoding", "/%252e%252e"),
      kept("a_long_query", "/x?" + std::string(3000, 'y')),
      kept("quotes", "/a\"b'<c>"),
      {"redirect_of_raw_utf8", get("www.a.test", "/\xc3\xa4"), moved("http://a.test/\xc3\xa4")},
      {"redirect_of_a_fragment", get("www.a.test", "/x#y"), status(400)},
      {"zero_byte_in_a_redirect", get("www.a.test", "/%00"), status(400)},
      {"bad_encoding_in_a_redirect", get("www.a.test", "/%zz"), status(400)},
      {"above_the_root_in_a_redirect", get("www.a.test", "/../x"), status(400)},
  };
}

std::vector<Row> https_rows() {
  const std::string https = "X-Forwarded-Proto: https";
  return {
      {"https_required", get("secure.test", "/x?y"), moved("https://secure.test:8443/x?y")},
      {"https_required_on_a_port", get("secure.test:{port}", "/x"), moved("https://secure.test:8443/x")},
      {"https_required_of_an_alias", get("www.secure.test", "/x"), moved("https://secure.test:8443/x")},
      {"https_by_a_trusted_proxy", get("secure.test", "/style.css", {https}), file("a style"), {}, kTrustedProxy},
      {"https_by_a_trusted_proxy_of_an_alias",
       get("www.secure.test", "/x", {https}),
       moved("https://secure.test/x"),
       {},
       kTrustedProxy},
      {"https_by_a_lying_client", get("secure.test", "/x", {https}), moved("https://secure.test:8443/x")},
      {"http_by_a_trusted_proxy",
       get("secure.test", "/x", {"X-Forwarded-Proto: http"}),
       moved("https://secure.test:8443/x"),
       {},
       kTrustedProxy},
      {"https_and_http_by_a_trusted_proxy",
       get("secure.test", "/x", {https, "X-Forwarded-Proto: http"}),
       moved("https://secure.test:8443/x"),
       {},
       kTrustedProxy},
      {"https_allowed", get("a.test", "/style.css", {https}), file("a style"), {}, kTrustedProxy},
      {"redirect_behind_a_trusted_proxy",
       get("www.a.test", "/x", {https}),
       moved("https://a.test/x"),
       {},
       kTrustedProxy},
  };
}

}  // namespace

std::vector<Row> host_rows() {
  std::vector<Row> rows;
  for (const auto part : {name_rows, wildcard_rows, absolute_rows, redirect_rows, https_rows}) {
    std::vector<Row> more = part();
    std::move(more.begin(), more.end(), std::back_inserter(rows));
  }
  return rows;
}

}  // namespace aegir::live
