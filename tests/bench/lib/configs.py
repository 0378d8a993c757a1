"""The configurations that are measured: plain virtual hosts as a person writes them, and our catch-all.

Both serve the same files with the same server settings; only what finds the site differs. Names: site i of N is
`s0000001.bench.example`, its redirecting alias `www.` before it. Of the plain hosts only the first site has its alias:
one more virtual host for each site would make the peers slower than they need to be.
"""

import random
from dataclasses import dataclass
from pathlib import Path

USER = "www-data"  # of the web servers' workers, and here of PHP too
NEW_HOST = "new.bench.example"

# What PHP gets to know of the first site, as make_map seals it.
DATABASE = {
    "db_type": "mysql",
    "db_name": "d0000001",
    "db_user": "u0000001",
    "db_passwd": "password00000010123456789ab",
    "db_host": "localhost",
    "db_port": "3306",
}


def site(index):
    return f"s{index:07d}.bench.example"


def drawn_sites(sites, count):
    """`count` names in a random order, one from each `count`-th of the sites, the same in every run."""
    names = [site(1 + int((index + 0.5) * sites / count)) for index in range(count)]
    random.Random(1).shuffle(names)
    return names


VARIABLES = DATABASE | {
    "AEGIR_SITE": site(1),
    "AEGIR_SITE_DIR": site(1),
    "AEGIR_HOST": site(1),
    # As long as ours; a configuration file can't hold its newlines, so that PHP takes all but the first for a comment.
    "PHP_ADMIN_VALUE": "memory_limit=256M;upload_max_filesize=64M;post_max_size=64M;max_execution_time=120",
}


@dataclass
class Setting:
    """Where a server runs: its own directory and port, what all servers of a run share, and whether in one process."""

    directory: Path
    docroot: Path
    new_docroot: Path
    fpm: Path
    port: int
    single: bool = False  # for callgrind, started as USER


# nginx -----------------------------------------------------------------------------------------------------------

NGINX_PHP = """    location ~ \\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass {fpm};
{more}    }}
"""


def nginx_frame(setting, body, modules="", names=1):
    """nginx.conf around `body`, the http block's part that is measured. `names` None: `body` sizes the table of names."""
    process = "master_process off;" if setting.single else f"user {USER};"
    sizes = ""
    if names is not None:
        sizes = f"""  server_names_hash_max_size {max(512, 1 << (2 * names).bit_length())};
  server_names_hash_bucket_size 128;
"""
    return f"""{modules}{process}
daemon off;
worker_processes {1 if setting.single else 2};
pid {setting.directory}/nginx.pid;
error_log {setting.directory}/error.log;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
{sizes}  client_body_temp_path {setting.directory}/body;
  proxy_temp_path {setting.directory}/proxy;
  fastcgi_temp_path {setting.directory}/fastcgi;
  uwsgi_temp_path {setting.directory}/uwsgi;
  scgi_temp_path {setting.directory}/scgi;
{body}}}
"""


def nginx_host(setting, name, docroot, more=""):
    return f"""  server {{
    listen 127.0.0.1:{setting.port};
    server_name {name};
    root {docroot};
{NGINX_PHP.format(fpm=f"unix:{setting.fpm}", more=more)}  }}
"""


def nginx_plain(setting, sites):
    hosts = [nginx_host(setting, site(1), setting.docroot)]
    hosts.append(
        f"""  server {{
    listen 127.0.0.1:{setting.port};
    server_name www.{site(1)};
    return 301 http://{site(1)}$request_uri;
  }}
"""
    )
    hosts += [nginx_host(setting, site(index), setting.docroot) for index in range(2, sites + 1)]
    include = f"  include {setting.directory}/new/*.conf;\n"
    return nginx_frame(setting, "".join(hosts) + include, names=sites)


def nginx_same_variables(setting, _sites):
    """One plain host that gives PHP by hand what our module gives it."""
    lines = "".join(f'      fastcgi_param {name} "{value}";\n' for name, value in VARIABLES.items())
    return nginx_frame(setting, nginx_host(setting, site(1), setting.docroot, lines))


def nginx_argv(setting):
    return [
        "/usr/sbin/nginx",
        *("-p", str(setting.directory)),
        *("-e", str(setting.directory / "error.log")),
        *("-c", str(setting.directory / "server.conf")),
    ]


def nginx_catch_all(setting, _sites, module, site_map):
    parameters = {name: f"$aegir_{name} if_not_empty" for name in DATABASE}
    parameters |= {"AEGIR_SITE": "$aegir_site", "AEGIR_SITE_DIR": "$aegir_site_dir", "AEGIR_HOST": "$aegir_host"}
    parameters |= {"AEGIR_PROBE": "$aegir_probe if_not_empty", "PHP_ADMIN_VALUE": "$aegir_php_admin_value"}
    parameters["HTTP_X_AEGIR_PROBE"] = '"" if_not_empty'
    lines = "".join(f"      fastcgi_param {name} {value};\n" for name, value in parameters.items())
    docroots = {1: setting.docroot, 2: setting.new_docroot}  # of make_map's platforms
    blocks = "".join(
        f"""  server {{
    aegir_platform {platform};
    root {docroot};
{NGINX_PHP.format(fpm="aegir_fpm", more=lines)}  }}
"""
        for platform, docroot in docroots.items()
    )
    body = f"""  aegir_map {site_map};
  aegir_key {site_map}.key;
  server {{
    listen 127.0.0.1:{setting.port} default_server;
    server_name _;
    aegir platforms;
  }}
{blocks}  include {setting.directory}/new/*.conf;
"""
    return nginx_frame(setting, body, f"load_module {module};\n")


# Apache ----------------------------------------------------------------------------------------------------------

APACHE_MODULES = ["mpm_event", "authz_core", "mime", "dir", "alias", "proxy", "proxy_fcgi"]


def apache_frame(setting, body, modules=""):
    load = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE_MODULES)
    return f"""{load}{modules}User {USER}
Group {USER}
ServerRoot {setting.directory}
DefaultRuntimeDir {setting.directory}
PidFile {setting.directory}/apache2.pid
ErrorLog {setting.directory}/error.log
Listen 127.0.0.1:{setting.port}
ServerName localhost
TypesConfig /etc/mime.types
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers {1 if setting.single else 2}
ThreadsPerChild {4 if setting.single else 25}
MaxRequestWorkers {4 if setting.single else 150}
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory {setting.docroot}>
  Require all granted
</Directory>
<Directory {setting.new_docroot}>
  Require all granted
</Directory>
{body}"""


def apache_host(setting, name, docroot, more=""):
    return f"""<VirtualHost *:{setting.port}>
  ServerName {name}
  DocumentRoot {docroot}
{more}  <FilesMatch "\\.php$">
    SetHandler "proxy:unix:{setting.fpm}|fcgi://localhost"
  </FilesMatch>
</VirtualHost>
"""


def apache_plain(setting, sites):
    hosts = [apache_host(setting, site(1), setting.docroot)]
    hosts.append(
        f"""<VirtualHost *:{setting.port}>
  ServerName www.{site(1)}
  Redirect permanent / http://{site(1)}/
</VirtualHost>
"""
    )
    hosts += [apache_host(setting, site(index), setting.docroot) for index in range(2, sites + 1)]
    return apache_frame(setting, "".join(hosts) + f"IncludeOptional {setting.directory}/new/*.conf\n")


def apache_same_variables(setting, _sites):
    """One plain host that gives PHP by hand what our module gives it."""
    lines = "".join(f'  SetEnv {name} "{value}"\n' for name, value in VARIABLES.items())
    module = "LoadModule env_module /usr/lib/apache2/modules/mod_env.so\n"
    return apache_frame(setting, apache_host(setting, site(1), setting.docroot, lines), module)


def apache_catch_all(setting, _sites, module, site_map):
    body = f"""AegirMap {site_map}
AegirKey {site_map}.key
<VirtualHost *:{setting.port}>
  ServerName catch-all.invalid
  AegirEngine On
  UseCanonicalName Off
  <FilesMatch "\\.php$">
    SetHandler aegir-php
  </FilesMatch>
</VirtualHost>
IncludeOptional {setting.directory}/new/*.conf
"""
    return apache_frame(setting, body, f"LoadModule aegir_module {module}\n")


def apache_argv(setting):
    mode = "-X" if setting.single else "-DFOREGROUND"
    return ["/usr/sbin/apache2", mode, "-f", str(setting.directory / "server.conf")]


# PHP-FPM ---------------------------------------------------------------------------------------------------------


def fpm(directory, socket):
    return f"""[global]
error_log = {directory}/error.log
daemonize = no
[bench]
user = {USER}
group = {USER}
listen.owner = {USER}
listen.group = {USER}
listen = {socket}
listen.mode = 0600
pm = static
pm.max_children = 2
clear_env = yes
"""
