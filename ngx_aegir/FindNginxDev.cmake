# Finds the sources of Debian's nginx (package nginx-dev) and configures them, out of tree, with the flags that the
# packaged server was built with: only then does a module have the same structures. Defines Nginx::dev (headers only;
# a module takes its symbols from the server) and NginxDev_ABI, the name of the package's binary interface.
find_path(NginxDev_SOURCE_DIR NAMES conf_flags HINTS /usr/share/nginx/src NO_DEFAULT_PATH)
find_program(NginxDev_EXECUTABLE nginx HINTS /usr/sbin)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(NginxDev REQUIRED_VARS NginxDev_SOURCE_DIR NginxDev_EXECUTABLE
                                  REASON_FAILURE_MESSAGE "install the packages nginx-light and nginx-dev")
if(NOT NginxDev_FOUND)
  return()
endif()

file(STRINGS ${NginxDev_SOURCE_DIR}/debian/libnginx-mod.abisubstvars abi REGEX "^nginx:abi=")
string(REPLACE "nginx:abi=" "" NginxDev_ABI "${abi}")

# One directory for each interface: an upgrade of nginx-dev configures again.
set(objects ${CMAKE_BINARY_DIR}/${NginxDev_ABI})
if(NOT EXISTS ${objects}/ngx_auto_config.h)
  message(STATUS "Configuring the headers of ${NginxDev_ABI}")
  execute_process(
    COMMAND bash -c ". ./conf_flags && exec ./configure \"\${NGX_CONF_FLAGS[@]}\" --builddir='${objects}'"
    WORKING_DIRECTORY ${NginxDev_SOURCE_DIR}
    OUTPUT_FILE ${objects}.log ERROR_FILE ${objects}.log RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "nginx's configure failed: see ${objects}.log, and install the package nginx-dev again")
  endif()
endif()

if(NOT TARGET Nginx::dev)
  add_library(Nginx::dev INTERFACE IMPORTED GLOBAL)
  set(source ${NginxDev_SOURCE_DIR}/src)
  target_include_directories(Nginx::dev SYSTEM INTERFACE ${objects} ${source}/core ${source}/event ${source}/os/unix
                             ${source}/http ${source}/http/modules ${source}/http/v2)
endif()
