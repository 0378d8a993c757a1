#!/usr/bin/env python3
"""Prints what clang-tidy's verdict on a source depends on, as one hash: its text with everything that it includes, the
compiler's options and the lint configuration.

    tidy_key.py BUILD_DIR SOURCE

BUILD_DIR has the compile_commands.json that clang-tidy reads; SOURCE is relative to the working directory.
"""
import hashlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

CLANG = "clang++-19"


def main():
    build, source = Path(sys.argv[1]), Path(sys.argv[2]).absolute()
    commands = json.loads((build / "compile_commands.json").read_text())
    entry = next(entry for entry in commands if Path(entry["file"]) == source)
    words = shlex.split(entry["command"])[1:]
    output = words.index("-o")
    del words[output : output + 2]
    words.remove("-c")
    # Comments stay: NOLINT is one.
    command = [CLANG, *words, "-E", "-C", "-w"]
    text = subprocess.run(command, cwd=entry["directory"], check=True, capture_output=True).stdout
    digest = hashlib.sha256(json.dumps(words).encode() + text)
    digest.update(subprocess.run(["clang-tidy-19", "--version"], check=True, capture_output=True).stdout)
    for folder in [*source.parents][::-1]:
        configuration = folder / ".clang-tidy"
        if configuration.exists():
            digest.update(configuration.read_bytes())
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
