"""What a platform's .htaccess costs: read live by a stock Apache (AllowOverride All), and included once, as ours is."""

from functools import partial

from . import callgrind, client, configs, processes, servers
from .figures import Figure

CALLS = "calls of the file system a request: "
MODULES = ["env", "rewrite"]  # beside those of all
LOADED = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES)

# Of the kind that Drupal has. The other servers of a run, with AllowOverride None, don't see it.
ROOT = r"""<FilesMatch "\.(engine|inc|install|make|module|profile|po|sh|theme|twig|yml)$|^(\..*|composer\.json)$">
  Require all denied
</FilesMatch>
Options -Indexes
DirectoryIndex index.php index.html
ErrorDocument 404 /index.php
RewriteEngine on
RewriteRule "/\.|^\.(?!well-known/)" - [F]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteCond %{REQUEST_URI} !=/favicon.ico
RewriteRule ^ index.php [L]
"""
FILES = "Options None\nOptions +FollowSymLinks\n"


def measure(place, build, counting, say):
    """Yields instructions and calls a request of both."""
    prepare(place)
    module = servers.copied_modules(place, build)["apache"]
    for subject in (
        servers.Subject("Apache, AllowOverride All", "apache", stock),
        servers.Subject("mod_aegir, the same .htaccess", "apache", partial(ours, place, build, module)),
    ):
        say(f"{subject.name}, 1 site")
        for kind, value in counted(place, subject, counting):
            yield Figure(f"{callgrind.ROW}{kind}", subject.name, 1, value, "instructions")
        for kind, value in traced(place, subject, counting.requests):
            yield Figure(f"{CALLS}{kind}", subject.name, 1, value, "calls")


def prepare(place):
    (place.docroot / ".htaccess").write_text(ROOT)
    for folder in ("core/misc", f"sites/{configs.site(1)}/files"):
        (place.docroot / folder).mkdir(parents=True)
        (place.docroot / folder / "static.txt").write_bytes(servers.STATIC)
    (place.docroot / f"sites/{configs.site(1)}/files/.htaccess").write_text(FILES)


def kinds():
    """Path and right answer of each kind of request."""
    static = client.Expect(200, servers.STATIC)
    page = client.Expect(200, f"php {configs.site(1)} d0000001".encode())
    return {
        "file of a platform with .htaccess": ("/core/misc/static.txt", static),
        "file of a site with .htaccess": (f"/sites/{configs.site(1)}/files/static.txt", static),
        "clean URL by .htaccess": ("/node/1", page),
    }


def stock(setting, _sites):
    lines = "".join(f'  SetEnv {name} "{value}"\n' for name, value in configs.VARIABLES.items())
    host = configs.apache_host(setting, configs.site(1), setting.docroot, lines)
    directory = f"<Directory {setting.docroot}>\n  AllowOverride All\n  Options FollowSymLinks\n</Directory>\n"
    return configs.apache_frame(setting, directory + host, LOADED)


def ours(place, build, module, setting, sites):
    lines = f"<Directory {setting.docroot}>\n  Options FollowSymLinks\n  Include {setting.docroot}/.htaccess\n</Directory>\n"
    text = configs.apache_catch_all(setting, sites, module, place.site_map(build, sites))
    return LOADED + text + lines


def counted(place, subject, counting):
    with place.setting("counted", single=True) as setting:
        (setting.directory / "server.conf").write_text(subject.text(setting, 1))
        with callgrind.CountedServer(subject.argv(setting), setting.directory) as server:
            servers.ready(setting, server)
            for kind, (path, expect) in kinds().items():
                sequence = [(configs.site(1), path, expect)] * counting.requests
                yield kind, counting.count(server, setting.port, sequence, f"{subject.name}-{kind}")


def traced(place, subject, count):
    """System calls with a path (open, stat and their like) that a request makes, with strace as the server's child."""
    with place.setting("traced", single=True) as setting:
        (setting.directory / "server.conf").write_text(subject.text(setting, 1))
        trace = setting.directory / "trace"
        argv = ["strace", "-D", "-f", "-qq", "-e", "trace=%file", "-o", str(trace), *subject.argv(setting)]
        with processes.Server(argv, setting.directory / "strace.log", user=configs.USER) as server:
            servers.ready(setting, server)
            for kind, (path, expect) in kinds().items():
                ended = []
                for repeats in (1, count, 2 * count):
                    with client.Connection(setting.port) as connection:
                        for _ in range(repeats):
                            server.wait_until_idle()
                            connection.reopen_if_closed()
                            connection.get_checked(configs.site(1), path, expect)
                    server.wait_until_idle()
                    ended.append(len(trace.read_text().splitlines()))
                yield kind, ((ended[2] - ended[1]) - (ended[1] - ended[0])) / count
