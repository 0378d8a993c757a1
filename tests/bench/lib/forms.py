"""The two forms of one registry as aegirc writes them: the site map with its fragments, and a virtual host a site.

Both have a platform's rules and an access log, which the hand-written hosts of configs.py have not; so these figures
are for being held against each other.
"""

import json
import resource
import shutil
from functools import partial
from pathlib import Path

from . import callgrind, configs, processes, servers

TITLE = "The map and the static form (aegirc compile, aegirc compile --static)"
KINDS = ["static file", "PHP"]
ROWS = ["reload", "PSS of all workers", "PSS of all workers, peak in a reload"]
APACHE_MODULES = ["authz_host", "env", "headers", "rewrite", "setenvif"]  # beside those of all
BLOCK, SERVER = "php", "local"
SUBJECTS = {
    f"{title}, {form}": (kind, form)
    for kind, title in (("nginx", "nginx"), ("apache", "Apache"))
    for form in ("map", "static form")
}


def measure(place, build, counts, counting, repeats, say):
    """Yields the figures of both forms on both servers at each number of sites."""
    for subject in subjects(place, build):
        for count in counts:
            if subject.name == "Apache, static form":
                count = min(count, most_apache_sites())
            say(f"{subject.name}, {count:,} sites")
            yield from servers.count_instructions(place, subject, count, KINDS, counting)
            timed = servers.time_server(place, subject, count, repeats)
            yield from (figure for figure in timed if figure.row in ROWS)


def most_apache_sites():
    """How many sites of the static form Apache can have here: it opens its log once a virtual host, two a site."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1000) // 2


def subjects(place, build):
    modules = servers.copied_modules(place, build)
    return [
        servers.Subject(name, kind, partial(text, place, build, modules, kind, form), database=True)
        for name, (kind, form) in SUBJECTS.items()
    ]


def text(place, build, modules, kind, form, setting, sites):
    """Compiles the sites below the setting's directory; the server's main configuration."""
    prefix = setting.directory / "form"
    for name in ("run/aegir/map", f"run/aegir/fpm/{BLOCK}", "var/log/aegir", "etc/aegir"):
        (prefix / name).mkdir(parents=True)
    (prefix / f"run/aegir/fpm/{BLOCK}/0.sock").symlink_to(setting.fpm)
    conf, document = prefix / "aegir.conf", prefix / "registry.json"
    conf.write_text(
        f"prefix = {prefix}\nnginx_listen = 127.0.0.1:{setting.port}\n"
        f"apache_module = {modules['apache']}\nnginx_module = {modules['nginx']}\n"
    )
    document.write_text(json.dumps(registry(setting, kind, sites)))
    shutil.copy(place.site_map(build, 1).with_suffix(".key"), prefix / "etc/aegir/map.key")
    static = ["--static"] if form == "static form" else []
    processes.run([build / "aegirc", "--config", conf, "compile", document, *static, "--out", "/"])
    processes.run(["chown", "-R", f"{configs.USER}:{configs.USER}", prefix])
    folder = prefix / f"var/aegir/config/server_{SERVER}" / kind
    return (nginx if kind == "nginx" else apache)(setting, folder, bool(static))


def registry(setting, kind, sites):
    """A document with the sites of configs.py, all in one slot; each has its redirecting alias."""
    return {
        "servers": {SERVER: {"web": {kind: {"http_port": setting.port}}, "database": {}}},
        "clients": {"bench": {"title": "Bench"}},
        "blocks": {BLOCK: {"server": SERVER, "slots": 1, "isolation": "shared"}},
        "platforms": {
            "bench": {
                "server": SERVER,
                "docroot": str(setting.docroot),
                "services": [kind],
                "cms": "drupal8",
                "block": BLOCK,
            }
        },
        "sites": {configs.site(index): site(index) for index in range(1, sites + 1)},
    }


def site(index):
    host, name = configs.site(index), f"{index:07d}"
    return {
        "platform": "bench",
        "client": "bench",
        "aliases": {f"www.{host}": {"redirect_to": host}},
        "database": {"server": SERVER, "name": f"d{name}", "user": f"u{name}", "password": f"password{name}"},
        "cron_key": "cron",
        "hash_salt": "salt",
    }


def nginx(setting, folder, static):
    load = "" if static else f"include {folder}/module.load;\n"
    main = f"  include {folder}/{'static' if static else 'aegir'}.conf;\n"
    names = None if static else 1  # the static form sizes the table of names by itself
    return configs.nginx_frame(setting, f"{main}  include {setting.directory}/new/*.conf;\n", load, names)


def apache(setting, folder, static):
    load = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE_MODULES)
    if not static:
        load += f"Include {folder}/module.load\n"
    main = f"Include {folder}/{'static' if static else 'aegir'}.conf\n"
    return configs.apache_frame(setting, f"{main}IncludeOptional {setting.directory}/new/*.conf\n", load)
