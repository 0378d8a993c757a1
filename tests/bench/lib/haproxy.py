"""HAProxy's map, the peer that also takes a change without a reload: names in a file, changes by its admin socket."""

import socket
import statistics
import time

from . import callgrind, client, configs, processes
from .figures import Figure

SUBJECT = "HAProxy map"
ADDS = 200


def write_configuration(setting, sites):
    """A front end that answers every request with what the map says of its host."""
    with open(setting.directory / "names.map", "w", encoding="ascii") as file:
        for index in range(1, sites + 1):
            name = configs.site(index)
            file.write(f"{name} {setting.docroot}\nwww.{name} {name}\n")
    answer = f"%[req.hdr(host),lower,map({setting.directory}/names.map,none)]"
    (setting.directory / "server.conf").write_text(f"""global
  stats socket {setting.directory}/admin level admin
  nbthread {1 if setting.single else 2}
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 60s
frontend bench
  bind 127.0.0.1:{setting.port}
  http-request return status 200 content-type text/plain lf-string {answer}
""")


def argv(setting):
    return ["/usr/sbin/haproxy", "-db", "-f", str(setting.directory / "server.conf")]


def right(setting):
    return client.Expect(200, str(setting.docroot).encode())


def ready(setting, server):
    return client.wait_for(setting.port, configs.site(1), "/", right(setting), server.alive, 300)


def command(setting, text):
    """One command by the admin socket; HAProxy answers an empty line when it is done."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(setting.directory / "admin"))
        connection.sendall(text.encode() + b"\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    if answer.strip():
        raise RuntimeError(f"HAProxy: {text}: {answer.decode().strip()}")


def count_instructions(place, sites, counting):
    with place.setting("counted", single=True) as setting:
        write_configuration(setting, sites)
        with callgrind.CountedServer(argv(setting), setting.directory) as server:
            ready(setting, server)
            drawn = configs.drawn_sites(sites, counting.requests)
            for kind, names in {"random host": drawn, "last host": [configs.site(sites)] * counting.requests}.items():
                sequence = [(name, "/", right(setting)) for name in names]
                value = counting.count(server, setting.port, sequence, f"{SUBJECT}-{sites}-{kind}")
                yield Figure(callgrind.ROW + kind, SUBJECT, sites, value, "instructions")


def time_server(place, sites):
    with place.setting("timed") as setting:
        write_configuration(setting, sites)
        began = time.monotonic()
        with processes.Server(argv(setting), setting.directory / "output.log") as server:
            yield Figure("start", SUBJECT, sites, (ready(setting, server) - began) * 1000, "ms")
            yield Figure("PSS of all workers", SUBJECT, sites, server.pss_mib(), "MiB")
            file = setting.directory / "names.map"
            times = []
            for index in range(ADDS):
                name = f"new{index}.bench.example"
                began = time.monotonic()
                command(setting, f"add map {file} {name} {setting.docroot}")
                done = client.wait_for(setting.port, name, "/", right(setting), server.alive, 60)
                times.append((done - began) * 1000)
            yield Figure("change to right answer", SUBJECT, sites, statistics.median(times), "ms")
