"""Figures, the bars of the design beside them, and how both are printed."""

import datetime
import json
import math
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass


@dataclass
class Figure:
    """One measured value; the same fields as a JSON line of the single programs."""

    row: str
    subject: str
    sites: int
    value: float
    unit: str


@dataclass
class Bar:
    """A number to reach: at most `limit`, or at most `limit` more than the row `above` of the same subject and size.

    `sites` None: at every size. `large`: only --full has that row.
    """

    row: str
    subject: str
    limit: float
    sites: int | None = None
    above: str | None = None
    large: bool = False

    def applies(self, figure):
        return (figure.row, figure.subject) == (self.row, self.subject) and self.sites in (None, figure.sites)


def limit_of(figure, bars, figures):
    """The largest value that `figure` may have, or None when no bar applies."""
    for bar in bars:
        if not bar.applies(figure):
            continue
        if bar.above is None:
            return bar.limit
        for other in figures:
            if (other.row, other.subject, other.sites) == (bar.above, figure.subject, figure.sites):
                return other.value + bar.limit
    return None


def rows_without_value(figures, bars, full):
    """What a run should have measured and did not, as text: figures that are no number, and bars without a figure."""
    empty = [f"{figure.row}, {figure.subject}, {figure.sites} sites" for figure in figures if not usable(figure.value)]
    for bar in bars:
        if (full or not bar.large) and not any(
            figure.row == bar.row and figure.subject == bar.subject and (not full or bar.applies(figure))
            for figure in figures
        ):
            empty.append(f"{bar.row}, {bar.subject} (it has a bar)")
    return empty


def usable(value):
    return isinstance(value, int | float) and math.isfinite(value)


def number(value):
    """Three digits that matter, thousands grouped; whole numbers stay whole."""
    if value == 0 or abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def table(figures, bars):
    """The figures as text: a block for each row, a line for each subject, a column for each number of sites."""
    sizes = sorted({figure.sites for figure in figures})
    lines = [["row, subject", *(f"{size:,}" for size in sizes), "unit", "bar", ""]]
    for row in dict.fromkeys(figure.row for figure in figures):
        lines.append([row])
        of_row = [figure for figure in figures if figure.row == row]
        for subject in dict.fromkeys(figure.subject for figure in of_row):
            lines.append(table_line([figure for figure in of_row if figure.subject == subject], sizes, bars, figures))
    widths = [max(len(line[i]) for line in lines if len(line) == len(lines[0])) for i in range(len(lines[0]))]
    widths[0] = max(len(line[0]) for line in lines)
    texts = []
    for line in lines:
        cells = zip(line, widths, range(len(line)), strict=False)
        padded = [text.rjust(width) if 0 < i <= len(sizes) else text.ljust(width) for text, width, i in cells]
        texts.append("  ".join(padded).rstrip())
    return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:]])


def table_line(mine, sizes, bars, figures):
    """One subject's figures of one row: a cell for each size, then unit, bar and verdict."""
    cells = dict.fromkeys(sizes, "")
    limits, missed = [], False
    for figure in mine:
        limit = limit_of(figure, bars, figures)
        over = limit is not None and figure.value > limit
        cells[figure.sites] = number(figure.value) + (" !" if over else "")
        limits += [] if limit is None else [limit]
        missed = missed or over
    bar = f"≤ {number(limits[-1])}" if limits else ""
    result = "MISSED" if missed else "ok" if limits else ""
    return ["  " + mine[0].subject, *cells.values(), mine[0].unit, bar, result]


def version(*argv):
    """The first version number that a program prints, or "-" when the program is missing."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return "-"
    match = re.search(r"\d+(\.\d+)+", done.stdout)
    return match[0] if match else "-"


def load_average():
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def conditions():
    """What the machine was like."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else "-",
        "kernel": platform.release(),
        "load average": load_average(),
        "versions": {
            "nginx": version("/usr/sbin/nginx", "-v"),
            "apache2": version("/usr/sbin/apache2", "-v"),
            "php": version("php", "-v"),
            "haproxy": version("/usr/sbin/haproxy", "-v"),
            "valgrind": version("valgrind", "--version"),
            "g++": version("g++", "-dumpfullversion"),
        },
    }


def write_json(path, figures, bars, about):
    """`about` is the conditions; a figure that has a bar says which and whether it is met."""
    rows = []
    for figure in figures:
        limit = limit_of(figure, bars, figures)
        rows.append(asdict(figure) | ({} if limit is None else {"bar": limit, "met": figure.value <= limit}))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"conditions": about, "figures": rows}, file, indent=1, ensure_ascii=False)
        file.write("\n")
