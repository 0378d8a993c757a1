// What PHP is given, and by which ways a request reaches it.
#include <algorithm>
#include <iterator>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {

namespace {

const std::vector<std::string> kCredentialsOfA = {"db_type=mysql\n",         "db_name=a_db\n",      "db_user=a_user\n",
                                                  "db_passwd=secret-of-a\n", "db_host=127.0.0.1\n", "db_port=3306\n"};

/// A's PHP with all it is to have, and more.
Expect a(std::vector<std::string> more = {}) {
  more.insert(more.end(), kCredentialsOfA.begin(), kCredentialsOfA.end());
  Expect expect = php("a.test", std::move(more));
  expect.lacks = {"REDIRECT_db", "REDIRECT_AEGIR", "REDIRECT_PHP", "secret-of-b"};
  return expect;
}

std::string post(const std::string& host, const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: " + host +
         "\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// In two chunks; `size` is that of the second.
std::string post_in_chunks(const std::string& host, const std::string& target, std::size_t size) {
  return "POST " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Type: text/plain\r\n" +
         in_chunks({10, size}, 'c');
}

Expect with_status(int status, Expect expect) {
  expect.status = status;
  return expect;
}

Expect without(Expect expect, const std::string& text) {
  expect.lacks.push_back("\n" + text);
  return expect;
}

/// What PHP knows of the request's own words, however they were written.
std::vector<Row> word_rows() {
  const std::string basic = "Authorization: Basic YWRtaW46cHc=";  // admin:pw
  const std::string absolute_1_0 = "GET http://A.test.:8123/node/1?x HTTP/1.0\r\n\r\n";
  Expect claimed = a({"HTTP_AUTHORIZATION=Basic YWRtaW46cHc=\n", "PHP_AUTH_USER=admin\n", "PHP_AUTH_PW=pw\n"});
  claimed.lacks.insert(claimed.lacks.end(), {"REMOTE_USER", "AUTH_TYPE"});
  return {
      {"php_basic_authorization_is_a_claim", get("a.test", "/", {basic}), claimed},
      {"php_basic_authorization_at_the_fallback", get("a.test", "/jsonapi", {basic}), claimed},
      {"php_bearer", get("a.test", "/jsonapi", {"Authorization: Bearer abc.def"}),
       a({"HTTP_AUTHORIZATION=Bearer abc.def\n"})},
      {"php_http_host", get("A.TEST.:8123", "/"), a({"\nHTTP_HOST=a.test:8123\n"})},
      {"php_http_host_without_a_port", get("A.TEST.", "/"), a({"\nHTTP_HOST=a.test\n"})},
      {"php_http_host_with_zeros", get("a.test:0080", "/"), a({"\nHTTP_HOST=a.test:80\n"})},
      {"php_http_host_of_an_absolute_uri", get("b.test:9", "http://A.test:8123/"), a({"\nHTTP_HOST=a.test:8123\n"})},
      {"php_http_host_of_an_absolute_uri_without_a_port", get("a.test:9", "http://a.test/"),
       a({"\nHTTP_HOST=a.test\n"})},
      {"php_http_host_in_http_1_0", absolute_1_0, a({"\nHTTP_HOST=a.test:8123\n"})},
      {"php_http_host_at_an_error_document", get("A.TEST.:8123", "/error-document/missing"),
       with_status(404, a({"\nHTTP_HOST=a.test:8123\n"}))},
      {"php_server_name", get("A.TEST.:8123", "/"), a({"\nSERVER_NAME=a.test\n"})},
      {"php_server_name_of_an_absolute_uri", get("b.test", "http://A.test:8123/"), a({"\nSERVER_NAME=a.test\n"})},
      {"php_server_name_in_http_1_0", absolute_1_0, a({"\nSERVER_NAME=a.test\n"})},
      {"php_server_port", get("a.test:8123", "/"), a({"\nSERVER_PORT={port}\n"})},
      {"php_server_port_by_default", get("a.test", "/node/1"), a({"\nSERVER_PORT={port}\n"})},
      {"php_server_port_of_an_absolute_uri", get("a.test", "http://a.test:8123/"), a({"\nSERVER_PORT={port}\n"})},
      {"php_server_port_at_an_error_document", get("a.test:8123", "/error-document/missing"),
       with_status(404, a({"\nSERVER_PORT={port}\n"}))},
      {"php_server_port_behind_a_trusted_proxy",
       get("a.test", "/", {"X-Forwarded-Proto: https", "X-Forwarded-Port: 443"}),
       a({"\nSERVER_PORT={port}\n"}),
       {},
       kTrustedProxy},
      {"php_request_uri_of_an_absolute_uri", get("a.test", "http://a.test/node/%31?x=http://y"),
       a({"\nREQUEST_URI=/node/%31?x=http://y\n"})},
      {"php_request_uri_of_an_absolute_uri_in_http_1_0", absolute_1_0, a({"\nREQUEST_URI=/node/1?x\n"})},
      {"php_request_uri_of_an_absolute_uri_without_path", get("a.test", "http://a.test"), a({"\nREQUEST_URI=/\n"})},
      {"php_request_uri_of_an_absolute_uri_with_a_query_alone", get("a.test", "http://a.test?x"),
       a({"\nREQUEST_URI=/?x\n", "\nQUERY_STRING=x\n"})},
      {"php_request_uri_at_an_error_document", get("a.test", "http://a.test/error-document/missing?x"),
       with_status(404, a({"\nREQUEST_URI=/error-document/missing?x\n"}))},
  };
}

/// Nothing of the site's credentials is there for a site without any.
Expect uncloaked() {
  Expect expect = php("plain.test", {"ini:memory_limit=256M\n"});
  expect.lacks = {"db_", "secret-of"};
  expect.decrypts = 0;
  return expect;
}

/// Each parameter reached the responder once.
Expect recorded(const std::string& script, std::vector<std::string> has = {}) {
  Expect expect = php("recorded.test", std::move(has));
  expect.has.push_back("db_passwd=secret-of-recorded\n");
  expect.has.push_back("SCRIPT_NAME=" + script + "\n");
  expect.lacks = {"REDIRECT_db", "REDIRECT_AEGIR", "REDIRECT_PHP"};
  expect.once = {"db_type=",   "db_name=",         "db_user=",        "db_passwd=",   "db_host=",
                 "db_port=",   "AEGIR_SITE=",      "AEGIR_SITE_DIR=", "AEGIR_HOST=",  "PHP_ADMIN_VALUE=",
                 "HTTP_HOST=", "SCRIPT_FILENAME=", "SERVER_NAME=",    "SERVER_PORT=", "REQUEST_URI="};
  return expect;
}

}  // namespace

std::vector<Row> php_rows() {
  std::vector<Row> rows = {
      {"php_script", get("a.test", "/index.php"), a({"SCRIPT_NAME=/index.php\n", "uid=310001\n"})},
      {"php_of_another_site", get("b.test", "/index.php"), php("b.test", {"uid=310002\n", "db_passwd=secret-of-b\n"})},
      {"php_directory_index", get("a.test", "/"), a({"SCRIPT_NAME=/index.php\n", "REQUEST_URI=/\n"})},
      {"php_directory_index_below", get("a.test", "/folder/"), a({"SCRIPT_NAME=/folder/index.php\n"})},
      {"php_fallback", get("a.test", "/node/1?x=y"),
       a({"SCRIPT_NAME=/index.php\n", "REQUEST_URI=/node/1?x=y\n", "QUERY_STRING=x=y\n"})},
      {"php_path_info", get("a.test", "/index.php/node/1?x"),
       a({"SCRIPT_NAME=/index.php\n", "PATH_INFO=/node/1\n", "REQUEST_URI=/index.php/node/1?x\n"})},
      {"php_error_document", get("a.test", "/error-document/missing"),
       with_status(404, a({"SCRIPT_NAME=/index.php\n"}))},
      {"php_missing_file_of_the_site", get("a.test", "/sites/a.test/files/styles/thumb/public/p.png"),
       a({"SCRIPT_NAME=/index.php\n", "REQUEST_URI=/sites/a.test/files/styles/thumb/public/p.png\n"})},
      {"php_post", post("a.test", "/index.php", "hello"), a({"body=hello\n", "REQUEST_METHOD=POST\n"})},
      {"php_post_to_the_fallback", post("a.test", "/user/login", "hello"), a({"body=hello\n"})},
      // More than a server has read when it asks PHP.
      {"php_post_in_chunks", post_in_chunks("a.test", "/index.php", 99990),
       a({"body=" + std::string(100000, 'c') + "\n", "CONTENT_LENGTH=100000\n", "REQUEST_METHOD=POST\n"})},
      {"php_post_in_small_chunks_to_the_fallback", post_in_chunks("a.test", "/user/login", 10),
       a({"body=" + std::string(20, 'c') + "\n", "CONTENT_LENGTH=20\n"})},
      {"php_put", "PUT /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
       a({"REQUEST_METHOD=PUT\n"})},
      {"php_head",
       "HEAD /index.php HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
       {.headers = {{"X-Script", "index.php"}}, .decrypts = 1}},
      {"php_in_http_1_0", "GET /index.php HTTP/1.0\r\nHost: a.test\r\n\r\n", a({"SERVER_PROTOCOL=HTTP/1.0\n"})},
      {"php_by_an_alias", get("in-place.a.test", "/"), a({"AEGIR_HOST=in-place.a.test\n"})},
      {"php_by_a_wildcard", get("X.A.test.:{port}", "/"), a({"AEGIR_HOST=x.a.test\n"})},
      {"php_host_with_port", get("a.test:{port}", "/"), a({"HTTP_HOST=a.test:{port}\n", "AEGIR_HOST=a.test\n"})},
      {"php_host_of_an_absolute_uri", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
       php("b.test", {"HTTP_HOST=b.test\n", "AEGIR_HOST=b.test\n", "db_name=b_db\n"})},
      {"php_site_directory", get("a.test", "/"), a({"AEGIR_SITE_DIR=a.test\n"})},
      {"php_behind_a_trusted_proxy",
       get("a.test", "/", {"X-Forwarded-Proto: https"}),
       a({"HTTPS=on\n"}),
       {},
       kTrustedProxy},
      {"php_behind_a_lying_proxy", get("a.test", "/", {"X-Forwarded-Proto: https"}), without(a(), "HTTPS=")},
      {"php_limits", get("a.test", "/"),
       a({"ini:memory_limit=191M\n", "ini:upload_max_filesize=17M\n", "ini:post_max_size=18M\n",
          "ini:max_execution_time=19\n"})},
      {"php_limits_of_a_neighbour", get("neighbour.test", "/"),
       php("neighbour.test", {"ini:memory_limit=93M\n", "ini:max_execution_time=120\n"})},
      {"php_limits_after_the_neighbour", get("a.test", "/"), a({"ini:memory_limit=191M\n"})},
      {"php_without_credentials", get("plain.test", "/"), uncloaked()},
      {"php_cannot_be_told_credentials",
       get("a.test", "/", {"db_passwd: forged", "DB-PASSWD: forged", "REDIRECT-db-passwd: forged", "Proxy: forged"}),
       a({"HTTP_DB_PASSWD=forged\n"})},
      {"php_damaged_credentials",
       get("damaged.test", "/"),
       {.status = 500, .lacks = {"AEGIR_SITE"}, .decrypts = 1, .log = "damaged\\.test"}},
      {"php_missing_script", get("a.test", "/no-such.php"), status(404)},

      {"parameters_once", get("recorded.test", "/index.php"), recorded("/index.php")},
      {"parameters_once_by_directory_index", get("recorded.test", "/"), recorded("/index.php")},
      {"parameters_once_by_fallback", get("recorded.test", "/node/1"), recorded("/index.php")},
      {"parameters_once_by_path_info", get("recorded.test", "/index.php/node/1"), recorded("/index.php")},
      {"parameters_once_by_error_document", get("recorded.test", "/error-document/x"),
       with_status(404, recorded("/index.php"))},
  };
  std::ranges::move(word_rows(), std::back_inserter(rows));
  return rows;
}

}  // namespace aegir::live
