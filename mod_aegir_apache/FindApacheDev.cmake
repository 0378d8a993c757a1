# Finds the headers of Apache httpd 2.4 by asking apxs, as every module build does.
#
# Sets ApacheDev_FOUND, ApacheDev_VERSION, APACHE_EXECUTABLE (the server itself, for tests), and defines the target
# Apache::dev: include directories and preprocessor flags. There is nothing to link: httpd provides ap_* and apr_*.

find_program(APXS_EXECUTABLE NAMES apxs apxs2)
mark_as_advanced(APXS_EXECUTABLE)

function(apxs_query variable result)
  execute_process(COMMAND ${APXS_EXECUTABLE} -q ${variable} OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET)
  set(${result} "${value}" PARENT_SCOPE)
endfunction()

if(APXS_EXECUTABLE)
  apxs_query(HTTPD_VERSION ApacheDev_VERSION)
  apxs_query(exp_includedir httpd_includes)
  apxs_query(APR_INCLUDEDIR apr_includes)
  apxs_query(APU_INCLUDEDIR apu_includes)
  apxs_query(EXTRA_CPPFLAGS httpd_flags)
  apxs_query(exp_sbindir httpd_sbindir)
  apxs_query(progname httpd_program)
  find_program(APACHE_EXECUTABLE NAMES ${httpd_program} HINTS ${httpd_sbindir})
  mark_as_advanced(APACHE_EXECUTABLE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ApacheDev REQUIRED_VARS APXS_EXECUTABLE APACHE_EXECUTABLE httpd_includes apr_includes
                                  VERSION_VAR ApacheDev_VERSION
                                  REASON_FAILURE_MESSAGE "install the package apache2-dev")

if(ApacheDev_FOUND AND NOT TARGET Apache::dev)
  add_library(Apache::dev INTERFACE IMPORTED)
  target_include_directories(Apache::dev SYSTEM INTERFACE ${httpd_includes} ${apr_includes} ${apu_includes})
  separate_arguments(httpd_flags UNIX_COMMAND "${httpd_flags}")
  target_compile_options(Apache::dev INTERFACE ${httpd_flags})
endif()
