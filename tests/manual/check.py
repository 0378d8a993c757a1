#!/usr/bin/env python3
"""Holds tests/manual.md to what its head says: every id once and in order, every named test exists.

    check.py MANUAL.md BUILD_DIR

The tests are those that ctest and the built GoogleTest programs name themselves.
"""
import fnmatch
import json
import re
import subprocess
import sys

HEADING = re.compile(r"## .*\((.*)\)$")
RANGE = re.compile(r"([A-Z]+)1–([A-Z]+)([0-9]+)$")
ROW = re.compile(r"\| ([A-Z]+[0-9]+) \| .+ \| (.+) \|$")
TOTAL = re.compile(r"\b([0-9]+) rows\b")
NAMED = re.compile(r"`([^`]+)`")


def expected_ids(ranges):
    """CC1–CC3, X1–X2 -> CC1 CC2 CC3 X1 X2; None where a range is malformed."""
    ids = []
    for part in ranges.split(", "):
        match = RANGE.match(part)
        if match is None or match[1] != match[2]:
            return None
        ids += [f"{match[1]}{number}" for number in range(1, int(match[3]) + 1)]
    return ids


def existing_tests(build):
    """Names of ctest's tests, and Suite.Test of each of its programs that is a GoogleTest program."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True)
    names = set()
    for test in json.loads(listing.stdout)["tests"]:
        names.add(test["name"])
        if "command" not in test:
            sys.exit(f"the test {test['name']} is not built; build everything first")
        # A program of aegir_test() is called without arguments; scripts are called with some.
        if len(test["command"]) != 1:
            continue
        program = subprocess.run([test["command"][0], "--gtest_list_tests"], capture_output=True, text=True, check=True)
        suite = ""
        for line in program.stdout.splitlines():
            word = line.split("#")[0].strip()
            if line.startswith("  "):
                names.add(suite + word)
            else:
                suite = word
    return names


def main(manual, build):
    tests = existing_tests(build)
    errors = []
    awaited = []  # ids that the present heading promises and that have not come yet
    rows = 0
    total = None  # what the head promises; a chapter that is gone is missed by nothing else
    with open(manual, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            place = f"{manual}:{number}"
            line = line.rstrip("\n")
            if total is None and (promise := TOTAL.search(line)):
                total = int(promise[1])
            if line.startswith("## "):
                errors += [f"{place}: the row {missing} is missing above this heading" for missing in awaited]
                heading = HEADING.match(line)
                awaited = expected_ids(heading[1]) if heading else None
                if awaited is None:
                    errors.append(f"{place}: a heading ends with its ids, such as (CC1–CC12)")
                    awaited = []
            elif line.startswith("| ") and not line.startswith("| id "):
                row = ROW.match(line)
                if row is None:
                    errors.append(f"{place}: a row is | id | demand | shown by |")
                    continue
                rows += 1
                if not awaited or awaited[0] != row[1]:
                    errors.append(f"{place}: found the row {row[1]}, expected {awaited[0] if awaited else 'a heading'}")
                if row[1] in awaited:
                    awaited.remove(row[1])
                errors += [f"{place}: {problem}" for problem in problems(row[2], tests)]
    errors += [f"{manual}: the row {missing} is missing at the end" for missing in awaited]
    if rows != total:
        errors.append(f"{manual}: found {rows} rows, the head promises {total}")
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{rows} rows, {len(errors)} errors; {len(tests)} tests are known")
    return 1 if errors else 0


def problems(shown_by, tests):
    """What is wrong with the last cell of a row."""
    named = NAMED.findall(shown_by)
    for name in named:
        if not fnmatch.filter(tests, name):
            yield f"there is no test {name}"
    if not named and not shown_by.startswith("differs: ") and shown_by != "not yet":
        yield f"found {shown_by!r}, expected a test, 'differs: …' or 'not yet'"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check.py MANUAL.md BUILD_DIR")
    sys.exit(main(sys.argv[1], sys.argv[2]))
