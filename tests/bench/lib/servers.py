"""What is measured of a running server: instructions a request, test, start, reload and change times, memory."""

import glob
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from . import callgrind, client, configs, processes
from .figures import Figure

STATIC, NEW_STATIC = b"a static file\n", b"a new site\n"
PHP = "<?php echo 'php ', $_SERVER['HTTP_HOST'], ' ', $_SERVER['db_name'] ?? 'none';\n"


@dataclass
class Subject:
    """One server with one way to configure it."""

    name: str
    kind: str  # nginx or apache
    text: Callable  # (setting, sites) -> configuration
    database: bool = False  # whether PHP gets credentials
    publish: Callable | None = None  # (sites, host): makes NEW_STATIC's site known without a reload

    def argv(self, setting):
        return configs.nginx_argv(setting) if self.kind == "nginx" else configs.apache_argv(setting)

    def test_argv(self, setting):
        return [*self.argv(setting), "-t"]

    def reload_signal(self):
        return signal.SIGHUP if self.kind == "nginx" else signal.SIGUSR1


def write_host(subject, setting, docroot):
    """Writes the plain virtual host of NEW_HOST, which a reload reads."""
    text = configs.nginx_host if subject.kind == "nginx" else configs.apache_host
    (setting.directory / "new" / "new.conf").write_text(text(setting, configs.NEW_HOST, docroot))


PLAIN = [
    Subject("nginx vhosts", "nginx", configs.nginx_plain),
    Subject("Apache vhosts", "apache", configs.apache_plain),
]
# One plain host that gives PHP by hand what our modules give it.
SAME_VARIABLES = [
    Subject("nginx vhost, same variables", "nginx", configs.nginx_same_variables, database=True),
    Subject("Apache vhost, same variables", "apache", configs.apache_same_variables, database=True),
]


def copied_modules(place, build):
    """Our modules by kind of server. Servers that are counted start as the web servers' user, who may not enter the
    folder of a build."""
    modules = {"nginx": "ngx_aegir/ngx_http_aegir_module.so", "apache": "mod_aegir_apache/mod_aegir.so"}
    return {kind: shutil.copy(build / module, place.directory) for kind, module in modules.items()}


def ours(place, build):
    """The same servers with our modules of a build tree; maps are made when first asked for."""
    modules = copied_modules(place, build)

    def text(kind, setting, sites):
        catch_all = configs.nginx_catch_all if kind == "nginx" else configs.apache_catch_all
        return catch_all(setting, sites, modules[kind], place.site_map(build, sites))

    def publish(sites, host):
        place.make_map(build, "add", sites, place.new_docroot, "--host", host)

    return [
        Subject("ngx_aegir", "nginx", partial(text, "nginx"), database=True, publish=publish),
        Subject("mod_aegir", "apache", partial(text, "apache"), database=True, publish=publish),
    ]


class Place:
    """The run's temporary directory with docroots and PHP-FPM; leaving it ends PHP-FPM."""

    def __init__(self, directory):
        self.directory = directory
        self.docroot, self.new_docroot = directory / "docroot", directory / "new-docroot"
        self.fpm = directory / "fpm" / "socket"
        self.stack = ExitStack()

    def __enter__(self):
        for docroot, text in ((self.docroot, STATIC), (self.new_docroot, NEW_STATIC)):
            docroot.mkdir()
            (docroot / "static.txt").write_bytes(text)
            (docroot / "index.php").write_text(PHP)
        self.fpm.parent.mkdir()
        conf = self.fpm.parent / "fpm.conf"
        conf.write_text(configs.fpm(self.fpm.parent, self.fpm))
        binaries = sorted(glob.glob("/usr/sbin/php-fpm*"))
        if not binaries:
            raise RuntimeError("PHP-FPM is missing: install the package php-fpm")
        argv = [binaries[-1], "-n", "-F", "-y", str(conf)]
        server = self.stack.enter_context(processes.Server(argv, self.fpm.parent / "output.log", signal.SIGQUIT))
        processes.wait_for_socket(self.fpm, server)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def site_map(self, build, sites):
        """The directory of a map of that many sites; its key stands beside it."""
        directory = self.directory / f"map-{sites}"
        if not directory.exists():
            directory.mkdir()
            shutil.chown(directory, group=configs.USER)
            directory.chmod(0o2750)
            key = directory.with_suffix(".key")
            self.make_map(build, "fleet", sites, self.docroot, "--sites", str(sites), "--key", key)
            shutil.chown(key, configs.USER)
        return directory

    def make_map(self, build, command, sites, docroot, *more):
        where = ["--directory", self.directory / f"map-{sites}", "--docroot", docroot, "--socket", self.fpm]
        processes.run([build / "tests/bench/make_map", command, *where, *more])

    @contextmanager
    def setting(self, name, single=False):
        """A directory and a port for one server; both go afterwards, its logs to stderr when something went wrong."""
        directory = self.directory / name
        (directory / "new").mkdir(parents=True)
        # Workers write there too; aegirc takes no configuration from a directory that is theirs.
        directory.chmod(0o1777)
        port = processes.Port()
        try:
            yield configs.Setting(directory, self.docroot, self.new_docroot, self.fpm, port.number, single)
        except Exception:
            for log in sorted(directory.glob("*.log")):
                print(f"{log.name}:\n{log.read_text(errors='replace')[-4000:]}", file=sys.stderr)
            raise
        finally:
            port.close()
            shutil.rmtree(directory)


def sequences(subject, sites, count):
    """`count` requests of each kind that is measured."""
    static = client.Expect(200, STATIC)
    database = "d0000001" if subject.database else "none"
    first, last = configs.site(1), configs.site(sites)
    moved = client.Expect(301, location=f"http://{first}/node/1?x=%2f".encode())
    return {
        "static file": [(first, "/static.txt", static)] * count,
        "redirect": [(f"www.{first}", "/node/1?x=%2f", moved)] * count,
        "PHP": [(first, "/index.php", client.Expect(200, f"php {first} {database}".encode()))] * count,
        "random host": [(host, "/static.txt", static) for host in configs.drawn_sites(sites, count)],
        "last host": [(last, "/static.txt", static)] * count,
    }


def ready(setting, server, timeout=120):
    expect = client.Expect(200, STATIC)
    return client.wait_for(setting.port, configs.site(1), "/static.txt", expect, server.alive, timeout)


def time_reload(subject, setting, server):
    """Seconds from a reload's signal, and from the change before it, to the first right answer of a new plain host."""
    expect = client.Expect(200, NEW_STATIC)
    began = time.monotonic()
    write_host(subject, setting, setting.new_docroot)
    processes.run(subject.test_argv(setting))
    tested = time.monotonic()
    server.wait_until_idle()  # a signal between Apache's start and its first pause is seen a second late
    signalled = time.monotonic()
    server.process.send_signal(subject.reload_signal())
    right = client.wait_for(setting.port, configs.NEW_HOST, "/static.txt", expect, server.alive, 120)
    return right - signalled, right - signalled + tested - began


def time_publish(subject, sites, setting, server, host):
    """Seconds from the change of the map, a process of its own, to the first right answer of the new site."""
    began = time.monotonic()
    subject.publish(sites, host)
    expect = client.Expect(200, NEW_STATIC)
    return client.wait_for(setting.port, host, "/static.txt", expect, server.alive, 120) - began


def peak_in_reload(subject, setting, server):
    """The largest memory seen while a reload changes the new site's docroot."""
    peak = 0.0

    def look():
        nonlocal peak
        peak = max(peak, server.pss_mib())

    write_host(subject, setting, setting.docroot)
    server.process.send_signal(subject.reload_signal())
    expect = client.Expect(200, STATIC)
    client.wait_for(setting.port, configs.NEW_HOST, "/static.txt", expect, server.alive, 120, look)
    look()
    return peak


def count_instructions(place, subject, sites, kinds, counting):
    """Yields the figures of `instructions a request` of one subject at one size, for these kinds of request."""
    with place.setting("counted", single=True) as setting:
        (setting.directory / "server.conf").write_text(subject.text(setting, sites))
        with callgrind.CountedServer(subject.argv(setting), setting.directory) as server:
            ready(setting, server, 600)  # callgrind reads 10,000 hosts' rules as slowly as it does all else
            all_kinds = sequences(subject, sites, counting.requests)
            for kind in kinds:
                value = counting.count(server, setting.port, all_kinds[kind], f"{subject.name}-{sites}-{kind}")
                yield Figure(callgrind.ROW + kind, subject.name, sites, value, "instructions")


def time_server(place, subject, sites, repeats):
    """Yields config test, start, reload, change and memory of one subject at one size; times are medians."""
    times = {"config test": [], "start": [], "reload": [], "change to right answer": []}
    memory = {"PSS of all workers": 0.0, "PSS of all workers, peak in a reload": 0.0}
    for repeat in range(repeats):
        with place.setting("timed") as setting:
            (setting.directory / "server.conf").write_text(subject.text(setting, sites))
            began = time.monotonic()
            processes.run(subject.test_argv(setting))
            times["config test"].append(time.monotonic() - began)
            began = time.monotonic()
            with processes.Server(subject.argv(setting), setting.directory / "output.log") as server:
                times["start"].append(ready(setting, server) - began)
                memory["PSS of all workers"] = server.pss_mib()
                reload, change = time_reload(subject, setting, server)
                if subject.publish:
                    change = time_publish(subject, sites, setting, server, f"{subject.kind}{repeat}.{configs.NEW_HOST}")
                times["reload"].append(reload)
                times["change to right answer"].append(change)
                memory["PSS of all workers, peak in a reload"] = peak_in_reload(subject, setting, server)
    for row, values in times.items():
        yield Figure(row, subject.name, sites, statistics.median(values) * 1000, "ms")
    for row, value in memory.items():
        yield Figure(row, subject.name, sites, value, "MiB")
