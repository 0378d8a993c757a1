"""The numbers to reach (design: "Numbers to reach"), and the rows that are differences of two others."""

from .callgrind import ROW
from .figures import Bar, Figure

MODULES = {"ngx_aegir": "nginx", "mod_aegir": "Apache"}
ADDED = "instructions added to a vhost of one site: "
ADDED_SAME = "instructions added to a vhost that gives PHP the same variables: "

FLEET = 1_000_000

BARS = [
    Bar("open to ready, first", "aegir", 50, FLEET),
    Bar("open to ready, median", "aegir", 50, FLEET),
    Bar("Private_Dirty of a worker", "aegir", 1024, FLEET),
    Bar("look-up, p50", "aegir", 0.6, FLEET),
    Bar("look-up, p99", "aegir", 1.2, FLEET),
    Bar("look-up, in batches", "aegir", 0.25, FLEET),
    Bar("miss, p50", "aegir", 0, FLEET, above="look-up, p50"),
    Bar("miss, wildcards of 1 depth, p50", "aegir", 0.06, FLEET, above="look-up, p50"),
    Bar("miss, wildcards of 2 depths, p50", "aegir", 0.12, FLEET, above="look-up, p50"),
    Bar("import of a document", "aegir", 60, 100_000),
    Bar("publish p99", "aegir", 5),
    Bar("publish during a merge p99", "aegir", 5, large=True),
    Bar("publish, most bytes", "aegir", 2**20),
    Bar("full compile", "aegir", 5, FLEET),
    Bar("full compile, peak of memory", "aegir", 1024, FLEET),
    Bar("incremental compile", "aegir", 20),
    Bar("queued to first child, p99", "aegir", 20),
    *(
        Bar(f"site {verb}, overhead over its programs", "aegir", 0.2)
        for verb in ("install", "login", "verify", "disable", "enable", "delete")
    ),
    Bar("1,000 queued tasks, out of order in their site", "aegir", 0),
    Bar("5 installs, visitors of another site: not 200", "aegir", 0),
    Bar("5 installs, visitors of another site: longest answer", "aegir", 1000),
    Bar("5 installs, long requests cut", "aegir", 0),
    Bar("aegird and its worker at rest, PSS", "aegir", 30, 10_000),
    Bar(ADDED + "static file", "ngx_aegir", 1500),
    Bar(ADDED + "random host", "ngx_aegir", 1500),
    Bar(ADDED + "last host", "ngx_aegir", 1500),
    Bar(ADDED + "PHP", "ngx_aegir", 8000),
    Bar(ADDED + "static file", "mod_aegir", 3000),
    Bar(ADDED + "random host", "mod_aegir", 3000),
    Bar(ADDED + "last host", "mod_aegir", 3000),
    Bar(ADDED + "PHP", "mod_aegir", 8000),
]


def added(figures):
    """What our modules add to plain virtual hosts of one site, for each kind of request that was counted."""
    counted = {
        (figure.row.removeprefix(ROW), figure.subject, figure.sites): figure.value
        for figure in figures
        if figure.row.startswith(ROW)
    }
    rows = []
    for (kind, subject, sites), value in counted.items():
        if subject not in MODULES:
            continue
        server = MODULES[subject]
        base = counted[kind if kind in ("redirect", "PHP") else "static file", f"{server} vhosts", 1]
        rows.append(Figure(ADDED + kind, subject, sites, value - base, "instructions"))
        same = counted.get((kind, f"{server} vhost, same variables", 1))
        if same is not None:
            rows.append(Figure(ADDED_SAME + kind, subject, sites, value - same, "instructions"))
    return rows
