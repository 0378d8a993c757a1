"""User instructions a request, counted by callgrind over a whole single-process server.

A server is started once. For each kind of request a sequence is sent over one keep-alive connection, then the same
sequence twice over another; the difference of the two counts is what the sequence costs, without the connection and
without start-up.
"""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from . import client, configs, processes

ROW = "instructions a request: "


@dataclass
class Counting:
    """How a run counts: requests of a sequence, whether seconds count (see CountedServer.count), where profiles go."""

    requests: int
    exact: bool
    profiles: Path | None

    def count(self, server, port, sequence, name):
        profile = self.profiles and self.profiles / (name.replace(" ", "-").replace(",", "") + ".callgrind")
        return server.count(port, sequence, self.exact, profile)


class CountedServer(processes.Server):
    """A server under callgrind, started as the user of workers. `directory` is his and takes callgrind's files."""

    def __init__(self, argv, directory):
        self.directory, self.parts, self.counting = directory, 0, False
        super().__init__(
            [
                "valgrind",
                "--tool=callgrind",
                "--instr-atstart=no",  # a start with thousands of virtual hosts would take minutes
                f"--vgdb-prefix={directory}/vgdb",
                f"--callgrind-out-file={directory}/callgrind.out",
                *argv,
            ],
            directory / "valgrind.log",
            user=configs.USER,
        )

    def dump(self):
        """Ends a part of the profile: returns its file."""
        self.tell("dump")
        self.parts += 1
        return self.directory / f"callgrind.out.{self.parts}"

    def tell(self, *command):
        self.wait_until_idle()
        options = [f"--vgdb-prefix={self.directory}/vgdb", f"--pid={self.pid}", "--max-invoke-ms=5"]
        processes.run([*self.as_tracer(), "vgdb", *options, *command])

    def as_tracer(self):
        """vgdb must be of the server's user, and must trace it although servers with secrets are not dumpable."""
        user = [f"--reuid={configs.USER}", f"--regid={configs.USER}", "--clear-groups"]
        return ["setpriv", *user, "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace"]

    def count(self, port, sequence, exact, profile=None):
        """User instructions a request of `sequence`, a list of (host, path, Expect).

        Servers write the date anew once a second; `exact` lets both runs begin with a second, so that each has that
        once. `profile`: where callgrind's file of the longer run is kept.
        """
        if not self.counting:
            self.tell("instrumentation", "on")
            self.counting = True
        self.send(port, sequence)
        self.dump()
        parts = []
        for requests in (sequence, sequence * 2):
            if exact:
                time.sleep(1 - time.time() % 1)
            self.send(port, requests)
            parts.append(self.dump())
        if profile:
            shutil.copyfile(parts[1], profile)
        return (instructions(parts[1]) - instructions(parts[0])) / len(sequence)

    def send(self, port, sequence):
        """Sends each request only when the server is idle: all that an answer makes it do is then counted to it, and
        Apache's worker never finds the next request when it is done with one, which would sometimes save it a way
        through the listener."""
        with client.Connection(port) as connection:
            for host, path, expect in sequence:
                self.wait_until_idle()
                connection.reopen_if_closed()
                connection.get_checked(host, path, expect)


def instructions(part):
    match = re.search(r"^totals: (\d+)$", part.read_text(), re.MULTILINE)
    if not match:
        raise RuntimeError(f"{part} has no totals")
    return int(match[1])
