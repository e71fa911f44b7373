"""The administrators' lists: how long one page takes, and whether that grows with how many people there are."""

import subprocess
import time
import urllib.parse

from . import crowd, machine, site

PASSWORD = "password-of-the-benchmark"

# How many people one gateway knows. Another knows ten times as many.
PEOPLE, TIMES = 1000, 10

SUSPENDED = 20

# How often each gateway is asked for a list before it counts, and then: one after the other, in turns between the two, so that a
# busy moment of the machine falls on both.
WARM_UP, REQUESTS = 50, 200

# The page that is looked at beside the first one, and how many of its size the smaller gateway's people fill: a few more,
# because who is suspended has no session.
PAGE, PAGES = 20, 25

GATEWAY = """\
[server]
listen = "127.0.0.1:{port}"
[data]
dir = "{directory}/administration-{name}"
{hot}
[limits]
sign_ins_per_address = 0
sign_ins_per_user = 0
mints_per_address = 0
mints_per_user = 0
[roles]
super_admins = ["{administrator}"]
[scim]
token = "{token}"
"""

REDIS = """\
[hot]
redis = "redis://127.0.0.1:{redis}"
password = "{password}"
name = "{name}"
"""


def administration(running, scale):
    """Measures each list's page of two gateways, and of two with their hot state on Redis."""
    fewer = round(PEOPLE * scale)
    sizes = {"fewer": fewer, "more": fewer * TIMES}
    stores = {store: beside(running, store, sizes) for store in ("embedded", "Redis")}
    return {"people": sizes, "tokens": crowd.TOKENS, "stores": stores}


def beside(running, store, sizes):
    """Starts two gateways with people and measures them in turns; they end with it."""
    others = len(running.processes)
    try:
        redis = start_redis(running) if store == "Redis" else None
        ports = {name: start(running, f"{store}-{name}", redis) for name in sizes}
        for name, people in sizes.items():
            crowd.gather(ports[name], people, min(SUSPENDED, people // 5))
        gateways = {name: Lists(port, sizes["fewer"] // PAGES) for name, port in ports.items()}
        found = {name: measured(gateways, name) for name in gateways["fewer"].paths}
        memory = {name: process.memory() for name, process in zip(sizes, running.processes[-len(sizes) :])}
        return {"lists": found, "memory": memory}
    finally:
        while len(running.processes) > others:
            running.processes.pop().end()


def start_redis(running):
    """Starts a Redis server and returns its port."""
    said = subprocess.run(["bash", "-c", FIND.format(root=running.root)], capture_output=True, text=True, check=True)
    port = site.free_port()
    command = [said.stdout.strip(), "--bind", "127.0.0.1", "--port", port, "--requirepass", PASSWORD]
    running.run("administration-redis", [*command, "--save", "", "--dir", running.directory], port)
    return port


def start(running, name, redis):
    """Starts a gateway and returns its port."""
    port = site.free_port()
    hot = REDIS.format(redis=redis, password=PASSWORD, name=name) if redis else ""
    places = {"directory": running.directory, "administrator": crowd.ADMINISTRATOR, "token": crowd.DIRECTORY}
    file = running.directory / f"administration-{name}.toml"
    file.write_text(GATEWAY.format(port=port, name=name, hot=hot, **places))
    running.run(f"administration-{name}", [machine.target(running.root) / "llm-gateway", "--config", file], port)
    return port


class Lists:
    """The lists of one gateway, as an administrator asks for them over one connection."""

    def __init__(self, port, rows):
        self.client = crowd.Client(port)
        self.client.sign_in(crowd.ADMINISTRATOR)
        one = urllib.parse.quote(crowd.address(44))
        later = f"{PAGE}th page of {rows} rows"
        self.paths = {
            "users": "/api/admin/users",
            "users?q=user4": "/api/admin/users?q=user4",
            "users?status=suspended": "/api/admin/users?status=suspended",
            f"users, {later}": self.later(f"/api/admin/users?limit={rows}"),
            "sessions": "/api/admin/sessions",
            "sessions?email=": f"/api/admin/sessions?email={one}",
            f"sessions, {later}": self.later(f"/api/admin/sessions?limit={rows}"),
            "sessions/stats": "/api/admin/sessions/stats",
            "sessions/active-users": "/api/admin/sessions/active-users",
            "tokens": "/api/admin/tokens",
            "tokens?q=t1": "/api/admin/tokens?q=t1",
            "tokens?email=": f"/api/admin/tokens?email={one}",
            f"tokens, {later}": self.later(f"/api/admin/tokens?limit={rows}"),
            "audit": "/api/admin/audit",
            "audit?target=": f"/api/admin/audit?target={one}",
            "manage": "/api/admin/manage",
            "/scim/v2/Users?count=50": "/scim/v2/Users?count=50",
        }

    def later(self, path):
        """Returns the address of a list's later page."""
        asked = path
        for _ in range(PAGE - 1):
            cursor = self.client.ask("GET", asked).json()["next_cursor"]
            if not cursor:
                raise SystemExit(f"bench: {path} ends before page {PAGE}")
            asked = f"{path}&cursor={cursor}"
        return asked

    def time(self, name):
        """Returns how long an answer takes."""
        path = self.paths[name]
        shown = crowd.DIRECTORY if path.startswith("/scim/") else None
        began = time.perf_counter()
        self.client.ask("GET", path, shown=shown)
        return time.perf_counter() - began


def measured(gateways, name):
    """Returns how long each gateway takes for a list."""
    times = {size: [] for size in gateways}
    for _ in range(WARM_UP + REQUESTS):
        for size, lists in gateways.items():
            times[size].append(lists.time(name))
    ordered = {size: sorted(all_[WARM_UP:]) for size, all_ in times.items()}
    return {size: {"p50": all_[len(all_) // 2], "p99": all_[len(all_) * 99 // 100]} for size, all_ in ordered.items()}


# Where Redis is.
FIND = """
root={root}
. "$root/scripts/lib/tools.sh"
find_redis
"""
