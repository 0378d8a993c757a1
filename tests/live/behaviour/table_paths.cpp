// Which paths of a site are served, moved and closed.
#include <algorithm>
#include <iterator>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {

namespace {

/// To a folder's own name: path and query, and nothing that the client did not name.
std::vector<Row> folder_rows() {
  const std::string https = "X-Forwarded-Proto: https";
  return {
      {"folder_without_slash", get("a.test", "/pages"), moved("/pages/")},
      {"folder_without_slash_on_a_port", get("a.test:{port}", "/pages"), moved("/pages/")},
      {"folder_without_slash_on_another_port", get("a.test:8123", "/pages"), moved("/pages/")},
      {"folder_without_slash_with_query", get("a.test", "/pages?x=%2F&y="), moved("/pages/?x=%2F&y=")},
      {"folder_without_slash_with_an_empty_query", get("a.test", "/pages?"), moved("/pages/")},
      {"folder_without_slash_behind_a_proxy", get("a.test", "/pages", {https}), moved("/pages/"), {}, kTrustedProxy},
      {"folder_without_slash_by_an_alias", get("in-place.a.test", "/pages"), moved("/pages/")},
      {"folder_without_slash_of_an_absolute_uri", get("a.test", "http://b.test/pages"), moved("/pages/")},
      {"folder_without_slash_double_slashes", get("a.test", "//pages"), moved("/pages/")},
      // nginx and httpd write the digits of an encoding differently.
      {"folder_without_slash_of_many_bytes", get("a.test", "/a%20folder%c3%a4%22"), moved("/a%20folder%C3%A4%22/"),
       moved("/a%20folder%c3%a4%22/")},
      {"folder_without_slash_head", "HEAD /pages HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
       moved("/pages/")},
      {"folder_without_slash_post",
       "POST /pages HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b", moved("/pages/")},
      {"folder_without_slash_put",
       "PUT /pages HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b", status(405)},
      {"files_folder_without_slash", get("a.test", "/sites/a.test/files"), moved("/sites/a.test/files/")},
      {"files_folder_below_without_slash", get("a.test:{port}", "/files/sub?x"), moved("/sites/a.test/files/sub/?x")},
      {"folder_of_all_sites", get("a.test", "/sites/"), status(404)},
      {"folder_of_all_sites_without_slash", get("a.test", "/sites"), status(404)},
      {"folder_of_the_own_site", get("a.test", "/sites/a.test/"), status(404)},
      {"folder_of_the_own_site_without_slash", get("a.test", "/sites/a.test"), status(404)},
      {"folder_of_another_site", get("a.test", "/sites/b.test/"), status(404)},
      {"folder_shared_by_all_sites", get("a.test", "/sites/all/"), status(404)},
      {"folder_shared_by_all_sites_without_slash", get("a.test", "/sites/all"), status(404)},
      {"script_with_an_encoded_slash", get("a.test", "/update.php%2f"), php("a.test", {"SCRIPT_NAME=/update.php\n"})},
      {"path_info_with_an_encoded_slash", get("a.test", "/index.php%2fnode"), php("a.test", {"PATH_INFO=/node\n"})},
      {"fallback_with_an_encoded_slash", get("a.test", "/a%2Fb"), php("a.test", {"REQUEST_URI=/a%2Fb\n"})},
  };
}

}  // namespace

std::vector<Row> path_rows() {
  std::vector<Row> rows = {
      {"static_file", get("a.test", "/style.css"), file("a style")},
      {"static_file_with_query", get("a.test", "/style.css?v=1"), file("a style")},
      {"static_file_with_a_blank", get("a.test", "/space%20here.txt"), file("a space")},
      {"static_file_head",
       "HEAD /style.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
       {.headers = {{"Content-Length", "7"}}}},
      {"static_file_in_http_1_0", "GET /style.css HTTP/1.0\r\nHost: a.test\r\n\r\n", file("a style")},
      {"static_file_trace", "TRACE /style.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(405)},
      {"static_file_post", "POST /style.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
       status(405)},
      {"static_file_options", "OPTIONS /style.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(405)},
      {"static_file_foo", "FOO /style.css HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(405)},
      {"static_file_purge", "PURGE /files/f.txt HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(405)},
      {"files_post", "POST /files/f.txt HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
       status(405)},
      {"directory_index_put", "PUT /pages/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
       status(405)},
      {"directory_index_delete", "DELETE /pages/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(405)},
      {"directory_index_html", get("a.test", "/pages/"), file("pages' index")},
      {"shared_by_all_sites", get("a.test", "/sites/all/shared.css"), file("shared by all")},
      {"default_site_is_nobodys", get("a.test", "/sites/default/default.css"), status(404)},

      {"files_short", get("a.test", "/files/f.txt"), file("file of a.test")},
      {"files_long", get("a.test", "/sites/a.test/files/f.txt"), file("file of a.test")},
      {"files_html", get("a.test", "/files/page.html"), file("page of a.test")},
      {"files_encoded", get("a.test", "/%66iles/f%2Etxt"), file("file of a.test")},
      {"files_double_slashes", get("a.test", "//files//f.txt"), file("file of a.test")},
      {"files_up_to_the_settings", get("a.test", "/files/../settings.txt"), php("a.test")},
      {"files_up_encoded", get("a.test", "/files/%2e%2e/sites/b.test/files/f.txt"), status(404)},
      {"files_up_with_encoded_slash", get("a.test", "/sites/a.test/files/..%2f..%2fb.test/files/f.txt"), status(404)},
      {"files_of_another_site", get("a.test", "/sites/b.test/files/f.txt"), status(404)},
      {"files_of_another_site_encoded", get("a.test", "/sites/%62.test/files/f.txt"), status(404)},
      {"files_of_another_site_double_slashes", get("a.test", "/sites//b.test//files/f.txt"), status(404)},
      {"files_of_another_site_dots", get("a.test", "/sites/a.test/../b.test/files/f.txt"), status(404)},
      {"files_of_another_site_in_capitals", get("a.test", "/sites/B.test/files/f.txt"), status(404)},
      {"own_directory_by_an_alias", get("in-place.a.test", "/sites/a.test/files/f.txt"), file("file of a.test")},
      {"name_of_an_alias_is_no_directory", get("in-place.a.test", "/sites/in-place.a.test/files/f.txt"), status(404)},

      // What users can write gets no index and no listing.
      {"files_folder", get("a.test", "/files/"), status(403)},
      {"files_folder_below", get("a.test", "/files/sub/"), status(403)},
      {"files_folder_with_index", get("a.test", "/files/pages/"), status(403)},
      {"files_folder_long", get("a.test", "/sites/a.test/files/pages/"), status(403)},
      {"files_folder_missing", get("a.test", "/files/missing/"), php("a.test", {"REQUEST_URI=/files/missing/\n"})},
      {"files_folder_missing_long", get("a.test", "/sites/a.test/files/sub/missing/?x"), php("a.test")},
      // To httpd a name that no file system takes is closed, not missing.
      {"files_folder_with_a_long_name", get("a.test", "/files/" + std::string(300, 'x') + "/"), php("a.test"),
       Expect{.status = 403, .log = "File name too long"}},
      {"files_folder_of_another_site_by_a_symlink",
       get("a.test", "/files/stolen-folder/pages/"),
       {.status = 403, .log = "stolen-folder"}},
      // httpd stops at the file and holds the rest for path info, which a file that is sent has not; nginx asks for the
      // whole path, and Drupal gets what is missing. Neither sends the file.
      {"file_with_a_slash_below_files", get("a.test", "/files/f.txt/"), php("a.test"), status(404)},
      {"file_with_more_below_files", get("a.test", "/files/f.txt/foo"), php("a.test"), status(404)},
      {"file_with_a_slash", get("a.test", "/style.css/"), php("a.test"), status(404)},
      {"file_with_more", get("a.test", "/pages/index.html/x"), php("a.test"), status(404)},
      {"fragment", get("a.test", "/style.css#x"), status(400)},
      {"fragment_of_an_absolute_uri", get("a.test", "http://a.test/style.css#x"), status(400)},
      {"fragment_in_a_query", get("a.test", "/style.css?x#y"), status(400)},
      {"encoded_fragment", get("a.test", "/style.css%23x"), php("a.test")},
      {"files_index_itself", get("a.test", "/files/pages/index.html"), file("no index here")},

      {"robots_of_the_site", get("a.test", "/robots.txt"), file("robots of a.test")},
      {"robots_of_the_site_by_an_alias", get("in-place.a.test", "//robots.txt?x"), file("robots of a.test")},
      {"robots_of_the_platform", get("b.test", "/robots.txt"), file("robots of the platform")},

      {"symlink_of_the_owner", get("a.test", "/files/own-link.txt"), file("file of a.test")},
      {"symlink_to_another_site",
       get("a.test", "/files/stolen.txt"),
       {.status = 403, .lacks = {"secret of"}, .log = "stolen.txt"}},
      {"symlinked_folder_of_another_site",
       get("a.test", "/files/stolen-folder/f.txt"),
       {.status = 403, .lacks = {"file of"}, .log = "stolen-folder"}},
      {"symlink_out_of_the_platform",
       get("a.test", "/files/passwd.txt"),
       {.status = 403, .lacks = {"root:"}, .log = "passwd.txt"}},

      {"former_uri_files", get("renamed.test", "/sites/was.test/files/f.txt?x=1"),
       moved("/sites/renamed.test/files/f.txt?x=1")},
      {"former_uri_before", get("renamed.test", "/sites/was-before.test/files/a%20%c3%a4.txt"),
       moved("/sites/renamed.test/files/a%20%c3%a4.txt")},
      {"former_uri_encoded_slash", get("renamed.test", "/sites/was.test/files/a%2Fb.txt"),
       moved("/sites/renamed.test/files/a%2Fb.txt")},
      {"former_uri_only_files", get("renamed.test", "/sites/was.test/private/f.txt"), status(404)},
      {"former_uri_of_another_site", get("a.test", "/sites/was.test/files/f.txt"), status(404)},
      {"after_a_former_uri", get("renamed.test", "/sites/renamed.test/files/f.txt"), file("file of renamed.test")},

      {"php_below_files", get("a.test", "/files/x.php"), status(403)},
      {"php_below_files_long", get("a.test", "/sites/a.test/files/x.php"), status(403)},
      {"php_below_files_with_path_info", get("a.test", "/files/x.php/y"), status(403)},
      {"php_below_files_in_capitals", get("a.test", "/files/sub/x.PHP"), status(403)},
      {"php_below_files_double_extension", get("a.test", "/files/x.php.txt"), status(403)},
      {"phtml_below_files", get("a.test", "/files/x.phtml"), status(403)},
      {"php_below_files_encoded", get("a.test", "/files/x%2ephp"), status(403)},
      {"php_below_files_after_a_file", get("a.test", "/files/f.txt/x.php"), status(403)},

      {"private", get("a.test", "/sites/a.test/private/secret.txt"), status(403, {})},
      {"private_folder", get("a.test", "/sites/a.test/private/"), status(403)},
      {"private_without_slash", get("a.test", "/sites/a.test/private"), status(403)},
      {"private_encoded", get("a.test", "/sites/a.test/%70rivate/secret.txt"), status(403)},
      {"private_by_dots", get("a.test", "/sites/a.test/files/../private/secret.txt"), status(403)},
      {"private_of_another_site", get("a.test", "/sites/b.test/private/secret.txt"), status(404)},
      {"private_by_a_path_of_php", get("a.test", "/index.php/../sites/a.test/private/secret.txt"), status(403)},

      {"installer", get("a.test", "/install.php"), status(403)},
      {"installer_of_the_core", get("a.test", "/core/install.php"), status(403)},
      {"installer_with_path_info", get("a.test", "/core/install.php/x?y"), status(403)},
      {"installer_double_slashes", get("a.test", "//core//install.php"), status(403)},
      {"installer_encoded", get("a.test", "/core/%69nstall.php"), status(403)},
      {"other_script", get("a.test", "/update.php"), php("a.test", {"SCRIPT_NAME=/update.php\n"})},

      // nginx refuses these before any module.
      {"zero_byte", get("a.test", "/style.css%00.php"), status(400)},
      {"bad_encoding", get("a.test", "/%zz"), status(400)},
      {"above_the_root", get("a.test", "/../../etc/passwd"), status(400)},
      {"http_0_9", "GET /style.css\r\n", status(0)},
      {"method_in_lower_case", "get / HTTP/1.1\r\nHost: a.test\r\n\r\n", status(400)},
      {"options_star", "OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", status(400)},
      {"connect", "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n", status(400)},
  };
  std::ranges::move(folder_rows(), std::back_inserter(rows));
  return rows;
}

}  // namespace aegir::live
