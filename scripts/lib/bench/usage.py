"""Usage: how long a call and the answers behind the pages of usage take, and whether that grows with how many calls there were."""

import json
import random
import sqlite3
import time

from . import crowd, machine, site

# How many calls one gateway has in its log. Another has a thousand times as many, of as many people, models and days.
EVENTS, TIMES = 1000, 1000

# Who called what, in the last days.
PEOPLE, MODELS, DAYS = 200, 4, 30

# How often each is asked before it counts, and then, in turns between the two.
WARM_UP, REQUESTS = 20, 200

GATEWAY = """\
[server]
listen = "127.0.0.1:{port}"
[data]
dir = "{directory}/usage-{name}"
[roles]
super_admins = ["{administrator}"]
[[budgets]]
scope = "default_user"
window = "monthly"
amount = "1000000.00"
[[rate_limits]]
scope = "default_user"
requests_per_minute = 1000000
tokens_per_minute = 1000000000
calls_in_flight = 1000
"""

PATHS = {
    "/api/usage/me": "/api/usage/me",
    "/api/admin/usage (the total)": "/api/admin/usage",
    "by=day": "/api/admin/usage?by=day",
    "by=user": "/api/admin/usage?by=user",
    "by=model": "/api/admin/usage?by=model",
    "by=day,model": "/api/admin/usage?by=day,model",
    "by=token": "/api/admin/usage?by=token",
}

CALL = json.dumps({"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": "ping"}]})


def usage(running, scale):
    """Starts two gateways, fills their logs, and measures them in turns; they end with it."""
    counts = {"fewer": EVENTS, "more": round(EVENTS * TIMES * scale)}
    others = len(running.processes)
    try:
        ports = {name: start(running, name) for name in counts}
        for process, (name, events) in zip(running.processes[others:], counts.items(), strict=True):
            process.end()
            began = time.monotonic()
            fill(running.directory / f"usage-{name}" / "records.db", events)
            print(f"bench: {events:,} calls are in the log after {time.monotonic() - began:.0f} s", flush=True)
        del running.processes[others:]
        for name, port in ports.items():
            start(running, name, port)
        askers = {name: Asker(port, counts[name]) for name, port in ports.items()}
        found = {what: measured(askers, what) for what in ["one call", *PATHS]}
        return {"events": counts, "answers": found}
    finally:
        while len(running.processes) > others:
            running.processes.pop().end()


def start(running, name, port=None):
    """Starts a gateway, somebody's first sign-in behind it, and returns its port."""
    port = port or site.free_port()
    file = running.directory / f"usage-{name}.toml"
    places = {"directory": running.directory, "administrator": crowd.ADMINISTRATOR}
    file.write_text(GATEWAY.format(port=port, name=name, **places))
    running.run(f"usage-{name}", [machine.target(running.root) / "llm-gateway", "--config", file], port)
    client = crowd.Client(port)
    client.sign_in(crowd.ADMINISTRATOR)
    client.close()
    return port


class Asker:
    """An administrator who calls and looks, over two connections."""

    def __init__(self, port, events):
        self.client, self.caller = crowd.Client(port), crowd.Client(port)
        self.client.sign_in(crowd.ADMINISTRATOR)
        minted = self.client.ask("POST", "/api/token/generate", json.dumps({"token_name": "bench"}))
        self.token = minted.json()["token"]
        told = self.client.ask("GET", "/api/admin/usage").json()["total"]["requests"]
        if told != events:
            raise SystemExit(f"bench: the log has {events} calls, and the gateway tells of {told}")

    def time(self, what):
        """Returns how long an answer takes."""
        began = time.perf_counter()
        if what in PATHS:
            self.client.ask("GET", PATHS[what])
        else:
            self.caller.ask("POST", "/v1/messages", CALL, shown=self.token)
        return time.perf_counter() - began


def measured(askers, what):
    """Returns percentiles of each."""
    times = {name: [] for name in askers}
    for number in range(WARM_UP + REQUESTS):
        for name, asker in askers.items():
            taken = asker.time(what)
            if number >= WARM_UP:
                times[name].append(taken)
    return {name: {"p50": sorted(all_)[REQUESTS // 2], "p99": sorted(all_)[REQUESTS * 99 // 100]} for name, all_ in times.items()}


def fill(file, events):
    """Puts calls into the log, and adds them up as the gateway does."""
    dice = random.Random(1)
    connection = sqlite3.connect(file)
    own = connection.execute("SELECT id FROM user").fetchone()[0]
    people = [own, *(ulid(dice, 0) for _ in range(PEOPLE - 1))]
    tokens = {person: ulid(dice, 0) for person in people}
    now = int(time.time())
    with connection:
        rows = (event(dice, now, people, tokens) for _ in range(events))
        connection.executemany("INSERT INTO usage (id, revision, body) VALUES (?, 1, ?)", rows)
        connection.execute("INSERT INTO arrival (event) SELECT id FROM usage ORDER BY id")
        connection.execute(ROLL_UP)
        connection.execute(ROLL_UP_WEEK)
        for dimension, name in [("all", "''"), ("user", "user"), ("model", "model"), ("group", "'staff'")]:
            is_timed = dimension in ("all", "model")
            times = ['{"28":1,"32":2,"36":3}', '{"40":1,"44":2,"48":3}'] if is_timed else ["{}", "{}"]
            connection.execute(DAY_SUM.format(dimension=dimension, name=name, table="roll_up"), times)
            if not is_timed:
                connection.execute(DAY_SUM.format(dimension=f"week_{dimension}", name=name, table="roll_up_week"), times)
    connection.close()


# The log, added up by day, person, token, model and provider.
ROLL_UP = """
INSERT INTO roll_up
SELECT date(body ->> '$.call.at' / 1000, 'unixepoch'), body ->> '$.user', body ->> '$.token', body ->> '$.call.model', 'echo',
    count(*), sum(body ->> '$.settlement.usage.input'), 0, 0, 0, sum(body ->> '$.settlement.usage.output'),
    sum(body ->> '$.settlement.cost'), 0, 0, 0
FROM usage GROUP BY 1, 2, 3, 4
"""

# The same by week.
ROLL_UP_WEEK = """
INSERT INTO roll_up_week
SELECT date(day, '-6 days', 'weekday 1') AS week, user, token, model, provider, sum(requests), sum(input), 0, 0, 0, sum(output), sum(cost),
    0, 0, 0
FROM roll_up GROUP BY week, user, token, model, provider
"""

# All of that by day, or week, and one thing more; how long answers took, where that is kept, is in three classes each.
DAY_SUM = """
INSERT INTO day_sum (dimension, day, name, first_byte, duration, requests, input, cache_write_5m, cache_write_1h, cache_read,
    output, cost, errors, estimated, unpriced)
SELECT '{dimension}', day, {name}, ?, ?, sum(requests), sum(input), 0, 0, 0,
    sum(output), sum(cost), 0, 0, 0
FROM {table} GROUP BY day, 3
"""


def event(dice, now, people, tokens):
    """Returns a row of the log."""
    at, person = (now - dice.randrange(DAYS * 86400 - 86400)) * 1000, dice.choice(people)
    identity, input_tokens, output_tokens = ulid(dice, at), dice.randrange(1, 100_000), dice.randrange(1, 4000)
    body = {
        "id": identity, "revision": 1, "user": person, "token": tokens[person], "groups": [], "member_of": ["staff"], "estimate": 1000,
        "call": {
            "at": at, "request": f"req_{identity}", "route": "/v1/messages", "model": f"model-{dice.randrange(MODELS)}",
            "provider": "echo", "stream": True, "address": "", "user_agent": "bench",
        },
        "settlement": {
            "lease": identity, "at": at + 900, "model_served": None,
            "usage": {"input": input_tokens, "cache_write_5m": 0, "cache_write_1h": 0, "cache_read": 0, "output": output_tokens},
            "cost": input_tokens * 1000 + output_tokens * 5000, "priced": True, "estimated": False, "status": 200, "error": None,
            "first_byte_ms": 300, "duration_ms": 900,
        },
    }  # fmt: skip
    return identity, json.dumps(body)


def ulid(dice, at):
    """Returns an id of a time, in milliseconds."""
    digits, number = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", (at << 80) | dice.getrandbits(80)
    return "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))
