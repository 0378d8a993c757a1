"""Servers as children of this run: ports from the kernel, ended by process id, memory read from /proc."""

import os
import signal
import socket
import subprocess
import time


class Port:
    """A loopback port that stays ours: bound but not listening, so that the kernel gives it to nobody else, while a
    server that sets SO_REUSEADDR (nginx, Apache and HAProxy do) may still listen on it."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()


def run(argv, **options):
    """Runs a program to its end; its output is the error message when it fails."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


class Server:
    """One server in a session of its own. Use as a context: leaving it ends the server and all its children."""

    def __init__(self, argv, log, end_signal=signal.SIGTERM, user=None):
        self.argv, self.log, self.end_signal, self.user = argv, log, end_signal, user
        self.process = None

    def __enter__(self):
        who = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                cwd="/",  # HAProxy wants to get back to where it started, which may be a folder of root's
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **who,
            )
        return self

    def __exit__(self, *_):
        if self.alive():
            self.process.send_signal(self.end_signal)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def wait_until_idle(self):
        """Waits until every thread of this process sleeps, as seen several times one after the other."""
        quiet = 0
        while quiet < 4:
            if not self.alive():
                raise RuntimeError(f"{self.argv[0]} ended; see {self.log}")
            quiet = quiet + 1 if self.sleeping() else 0
            time.sleep(0.0005)

    def sleeping(self):
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/stat", encoding="ascii") as file:
                    if file.read().rpartition(")")[2].split()[0] != "S":
                        return False
            except (FileNotFoundError, ProcessLookupError):
                continue
        return True

    def children(self):
        """The process ids of the direct children: the workers."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def pss_mib(self):
        """Proportional set size of the master and all its workers, in MiB."""
        return sum(rollup(pid).get("Pss", 0) for pid in [self.pid, *self.children()]) / 1024


def wait_for_socket(path, server, timeout=30):
    """Waits until a unix socket takes connections."""
    end = time.monotonic() + timeout
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
                return
            except OSError as error:
                if not server.alive() or time.monotonic() > end:
                    raise RuntimeError(f"{server.argv[0]} does not listen on {path}; see {server.log}") from error
        time.sleep(0.005)


def rollup(pid):
    """smaps_rollup of a process as {field: KiB}; empty when it has just ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            rows = [line.split() for line in file.readlines()[1:]]
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {row[0].rstrip(":"): int(row[1]) for row in rows}
