"""The scenarios. Each returns its results by name; times are in seconds, memory in MiB."""

import concurrent.futures
import pathlib
import statistics
import time

from . import load
from .administration import administration
from .function import function
from .pages import pages
from .usage import usage
from .worker import worker

# Rounds alternate between the servers, so that a busy moment of the machine does not fall on one alone; the medians of
# the rounds count.
ROUNDS = 3
CONNECTIONS = 32
RATE = 900
STREAMS = 1000


def side_by_side(site):
    """Returns the servers by name."""
    return {"direct": site.direct, "nginx": site.nginx, "gateway": site.gateway}


def throughput(site, scale):
    """As many requests as go through 32 connections."""
    rounds = {name: [] for name in side_by_side(site)}
    for number in range(ROUNDS + 1):
        for name, server in side_by_side(site).items():
            # The first round warms up.
            duration = max(1.0, (5 if number else 2) * scale)
            before = server.process.cpu()
            said = load.oha(site, server, "-c", str(CONNECTIONS), "-z", f"{duration * 1000:.0f}ms")
            if number:
                found = measured(said)
                rounds[name].append(found | {"cpu": (server.process.cpu() - before) / found["answered"]})
    return {name: medians(values) for name, values in rounds.items()} | {"memory": site.gateway.process.memory()}


def latency(site, scale):
    """How long a request takes at a rate that all of them can serve."""
    rounds = {name: [] for name in side_by_side(site)}
    for number in range(ROUNDS + 1):
        for name, server in side_by_side(site).items():
            duration = max(1.0, (8 if number else 2) * scale)
            options = ["-c", str(CONNECTIONS), "-q", str(RATE), "--latency-correction", "-z", f"{duration * 1000:.0f}ms"]
            said = load.oha(site, server, *options)
            if number:
                rounds[name].append(measured(said))
    return {name: medians(values) for name, values in rounds.items()}


def events(site, scale):
    """How long an event takes, one at a time and in bulk, and what a long stream does to the memory."""
    results = {}
    for name in ("direct", "gateway"):
        server = side_by_side(site)[name]
        bulk = statistics.median(load.stream(server, "mock-events-20000")[0] for _ in range(5)) / 20000
        results[name] = {"bulk": bulk}
    ways = {"direct": [], "gateway": []}
    for _ in range(max(1, round(5 * scale))):
        for name, found in ways.items():
            found += load.stream(side_by_side(site)[name], "mock-events-100-pace-20-stamped")[1]
    for name, found in ways.items():
        found.sort()
        results[name] |= {"p50": found[len(found) // 2], "p99": found[len(found) * 99 // 100]}
    before = site.gateway.process.memory()
    (peak,) = during([site.gateway.process.memory], lambda: load.stream(site.gateway, "mock-events-300000"))
    return results | {"before": before, "peak": peak}


def streams(site, _):
    """What a thousand open streams do to the memory; an event each second in each of them."""
    options = ["-c", str(STREAMS), "-n", str(STREAMS)]
    model = "mock-events-20-pace-1000"
    before = site.gateway.process.memory()
    cpu, began = site.gateway.process.cpu(), time.monotonic()
    samples = [site.gateway.process.memory, lambda: connections(site.mock_port)]
    memory, seen = during(samples, lambda: load.oha(site, site.gateway, *options, model=model, stream=True))
    cpu = (site.gateway.process.cpu() - cpu) / (time.monotonic() - began)
    return {"idle": site.idle, "before": before, "peak": memory, "open": seen, "cpu": cpu}


ALL = {
    "streams": streams,
    "throughput": throughput,
    "latency": latency,
    "events": events,
    "worker": worker,
    "function": function,
    "administration": administration,
    "pages": pages,
    "usage": usage,
}


def measured(said):
    """Returns what counts of oha's report."""
    percentiles = said["latencyPercentiles"]
    answers = said["statusCodeDistribution"]
    measured = {"rate": said["summary"]["requestsPerSec"], "p50": percentiles["p50"], "p99": percentiles["p99"]}
    return measured | {"refused": answers.get("503", 0), "answered": sum(answers.values())}


def medians(rounds):
    """Returns the median of each value, the lowest and highest rate, and the share of refusals."""
    values = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    rates = [one["rate"] for one in rounds]
    refused = sum(one["refused"] for one in rounds) / sum(one["answered"] for one in rounds)
    return values | {"lowest": min(rates), "highest": max(rates), "refused": refused}


def during(values, work):
    """Returns the largest sample, of each value, while the work is done."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done, samples = pool.submit(work), []
        while not done.done():
            samples.append([value() for value in values])
            time.sleep(0.2)
        done.result()
    return [max(column) for column in zip(*samples)]


def connections(port):
    """Counts the connections to a port of the loopback that are established, seen from the caller's end."""
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[2].endswith(f":{port:04X}") and fields[3] == "01" for fields in lines)
