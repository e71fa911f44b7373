"""The report: Markdown, and its place in docs/BENCHMARKS.md."""

import sys

BEGIN, END = "<!-- what scripts/bench --write wrote -->\n", "<!-- to here -->\n"

# What a row of the summary may come to.
HELD, MISSED = "held", "**missed**"


def render(facts, results):
    """Returns the report."""
    parts = [table(["machine", ""], [[name, value] for name, value in facts.items()])]
    budgets = [row for name, found in results.items() for row in BUDGETS[name](found)]
    parts.append(table(["budget", "measured", "allowed", ""], budgets))
    parts += [TABLES[name](found) for name, found in results.items()]
    return "\n".join(parts)


def table(head, rows):
    """Returns a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def at_most(what, value, limit, unit):
    """Returns the row of a budget."""
    return [what, f"{value:.3g} {unit}", f"≤ {limit} {unit}", HELD if value <= limit else MISSED]


def throughput_budget(found):
    """Compares with nginx."""
    ratio = found["gateway"]["rate"] / found["nginx"]["rate"]
    return [["throughput, of nginx's", f"{ratio:.2f}", "≥ 0.5", HELD if ratio >= 0.5 else MISSED]]


def latency_budget(found):
    """Compares with calling the provider directly."""
    added = {name: (found["gateway"][name] - found["direct"][name]) * 1000 for name in ("p50", "p99")}
    return [
        at_most("added at 900 requests/s, p50", added["p50"], 0.2, "ms"),
        at_most("added at 900 requests/s, p99", added["p99"], 1, "ms"),
    ]


def events_budget(found):
    """Compares the events' way with that of events that come directly."""
    added = (found["gateway"]["p50"] - found["direct"]["p50"]) * 1000
    growth = found["peak"] - found["before"]
    return [
        at_most("added to an event, p50", added, 0.1, "ms"),
        ["memory that a stream of 300,000 events takes", f"{growth:.1f} MiB", "flat", HELD if growth < 4 else MISSED],
    ]


def streams_budget(found):
    """Compares the memory with what it may be."""
    return [
        at_most("memory, idle", found["idle"], 40, "MiB"),
        at_most(f"memory with {found['open']:,} streams open", found["peak"], 100, "MiB"),
    ]


def worker_budget(found):
    """Compares the Worker with one that only passes requests on, and its start with that of an empty one."""
    cpu = (found["gateway"]["cpu"] - found["pass-through"]["cpu"]) * 1000
    start = (found["starts"]["gateway"] - found["starts"]["nothing"]) * 1000
    return [
        at_most("processor time of the Worker for a call, less a pass-through's", cpu, 1, "ms"),
        at_most("start of the Worker, less an empty one's", start, 50, "ms"),
    ]


def function_budget(found):
    """Compares the function's start and size with what they may be."""
    return [
        at_most("start of the Lambda function, until it asks for work", found["times"]["init"]["median"], 60, "ms"),
        at_most("size of the Lambda function, compressed", found["size"] / 2**20, 8, "MiB"),
    ]


def administration_budget(found):
    """Compares the pages with those of ten times as many people."""
    rows, people = [], found["people"]
    for store, measured in found["stores"].items():
        growth, name = max((grown(one), name) for name, one in measured["lists"].items())
        what = f"a list's page with {people['more']:,} people, of its time with {people['fewer']:,}, {store}; the highest: {name}"
        rows.append([what, f"{growth:.2f}", "≤ 1.3", HELD if growth <= 1.3 else MISSED])
    return rows


def pages_budget(found):
    """Compares the heaviest page, and the one whose data come last, with what they may be."""
    heaviest = max(found, key=lambda path: found[path]["bytes"])
    slowest = max(found, key=lambda path: found[path]["trips"])
    return [
        at_most(f"a page over the wire at first load; the heaviest: {heaviest}", found[heaviest]["bytes"] / 1000, 60, "KB"),
        at_most(f"from the document to a page's first data; the last: {slowest}", found[slowest]["trips"], 2, "round trips"),
    ]


def usage_budget(found):
    """Compares with a log of few calls."""
    growth, what = max((grown(one), what) for what, one in found["answers"].items())
    events = found["events"]
    text = f"an answer with {events['more']:,} calls in the log, of its time with {events['fewer']:,}; the highest: {what}"
    return [[text, f"{growth:.2f}", "≤ 1.3", HELD if growth <= 1.3 else MISSED]]


def throughput_table(found):
    """Shows what went through."""
    head = ["32 connections", "requests/s (of the rounds)", "of direct", "p50", "p99"]
    head += ["processor time of this process per request", "answered 503"]
    rows = []
    for name in ("direct", "nginx", "gateway"):
        one = found[name]
        rate = f"{one['rate']:,.0f} ({one['lowest']:,.0f} – {one['highest']:,.0f})"
        share = f"{one['rate'] / found['direct']['rate']:.2f}"
        cpu = f"{one['cpu'] * 1e6:.0f} µs"
        rows.append([name, rate, share, milliseconds(one["p50"]), milliseconds(one["p99"]), cpu, percent(one["refused"])])
    return table(head, rows) + f"\nThe gateway's memory after it: {found['memory']:.1f} MiB.\n"


def latency_table(found):
    """Shows how long requests take at a fixed rate."""
    direct = found["direct"]
    rows = []
    for name in ("direct", "nginx", "gateway"):
        one = found[name]
        added = [milliseconds(one[place] - direct[place]) if one is not direct else "" for place in ("p50", "p99")]
        refused = percent(one["refused"])
        rows.append([name, milliseconds(one["p50"]), added[0], milliseconds(one["p99"]), added[1], refused])
    return table(["900 requests/s", "p50", "added", "p99", "added", "answered 503"], rows)


def events_table(found):
    """Shows how long events take."""
    rows = []
    for name in ("direct", "gateway"):
        one = found[name]
        rows.append([name, milliseconds(one["p50"]), milliseconds(one["p99"]), f"{one['bulk'] * 1e6:.1f} µs"])
    head = ["streams", "from the mock to the client, p50", "p99", "an event of 20,000 sent without a pause"]
    return table(head, rows)


def streams_table(found):
    """Shows the memory."""
    rows = [
        ["after the start", f"{found['idle']:.1f} MiB"],
        ["before the streams", f"{found['before']:.1f} MiB"],
        [f"with {found['open']:,} streams, an event each second in each", f"{found['peak']:.1f} MiB"],
        ["processor meanwhile", f"{found['cpu'] * 100:.0f} % of a core"],
    ]
    return table(["the gateway's memory", ""], rows)


def worker_table(found):
    """Shows what the Worker takes."""
    rows = []
    for name in ("nothing", "pass-through", "gateway"):
        one = found.get(name)
        measured = [f"{one['cpu'] * 1e6:.0f} µs", milliseconds(one["p50"]), f"{one['memory']:.0f} MiB"] if one else [""] * 3
        rows.append([name, *measured, f"{found['starts'][name] * 1000:.0f} ms"])
    head = [f"workerd, {found['calls']:,} calls over 8 connections", "processor time of the process per call", "p50"]
    head += ["memory after them", "from the process's start to its first answer"]
    return table(head, rows)


def function_table(found):
    """Shows what the function takes."""
    names = {
        "init": "from the process's start until it asks for work",
        "first": "its first answer, which needs the hot state",
        "second": "its second",
    }
    rows = [[names[name], f"{one['median']:.1f} ms", f"{one['highest']:.1f} ms"] for name, one in found["times"].items()]
    rows.append([f"the program, of {found['program'] / 2**20:.1f} MiB, compressed", f"{found['size'] / 2**20:.2f} MiB", ""])
    return table([f"the control plane's function, {found['starts']} starts", "median", "highest"], rows)


def administration_table(found):
    """Shows how long pages take."""
    sizes = {name: f"{people:,} people, {people * found['tokens']:,} tokens" for name, people in found["people"].items()}
    parts = []
    for store, measured in found["stores"].items():
        head = [f"one page of /api/admin/…, {store}"]
        head += [f"{size}, {what}" for size in sizes.values() for what in ("p50", "p99")]
        rows = []
        for name, one in measured["lists"].items():
            times = [milliseconds(one[size][what]) for size in sizes for what in ("p50", "p99")]
            rows.append([name, *times, f"{grown(one):.2f}"])
        memory = " and ".join(f"{mebibytes:.1f} MiB" for mebibytes in measured["memory"].values())
        parts.append(table([*head, "p50, of fewer people's"], rows) + f"\nThe gateways' memory after it: {memory}.\n")
    return "\n".join(parts)


def pages_table(found):
    """Shows what pages weigh."""
    rows = []
    for path, one in found.items():
        trips = f"{one['trips']:.2f}" if one["trips"] else "–"
        rows.append([path, f"{one['bytes'] / 1000:.1f} KB", one["requests"], f"{one['again'] / 1000:.1f} KB", trips])
    return table(["page", "over the wire at first load", "requests", "again", "round trips from the document to its data"], rows)


def usage_table(found):
    """Shows how long calls and answers about usage take."""
    head = ["a call, or an answer behind the pages of usage"]
    head += [f"{events:,} calls in the log, {what}" for events in found["events"].values() for what in ("p50", "p99")]
    rows = []
    for what, one in found["answers"].items():
        times = [milliseconds(one[size][which]) for size in found["events"] for which in ("p50", "p99")]
        rows.append([what, *times, f"{grown(one):.2f}"])
    return table([*head, "p50, of fewer calls'"], rows)


def grown(times):
    """Returns what a list's median is of that with fewer people."""
    return times["more"]["p50"] / times["fewer"]["p50"]


def milliseconds(seconds):
    """Returns a time to read."""
    return f"{seconds * 1000:.3f} ms"


def percent(share):
    """Returns a share to read."""
    return f"{share * 100:.3g} %"


BUDGETS = {
    "throughput": throughput_budget,
    "latency": latency_budget,
    "events": events_budget,
    "streams": streams_budget,
    "worker": worker_budget,
    "function": function_budget,
    "administration": administration_budget,
    "pages": pages_budget,
    "usage": usage_budget,
}
TABLES = {
    "throughput": throughput_table,
    "latency": latency_table,
    "events": events_table,
    "streams": streams_table,
    "worker": worker_table,
    "function": function_table,
    "administration": administration_table,
    "pages": pages_table,
    "usage": usage_table,
}


def write(page, text):
    """Puts the report into the page, between its marks."""
    old = page.read_text()
    before, found, rest = old.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        sys.exit(f"bench: {page} has no place for the report")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
