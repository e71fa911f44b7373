"""The Worker in the bare runtime, with all that it needs, and beside it a Worker that only passes requests on."""

import json
import os
import pathlib
import statistics
import subprocess
import time
import urllib.error
import urllib.request

from . import load, machine, people, site

PASSWORD, TOKEN = "password-of-the-benchmark", "token-of-the-benchmark"

# One document for the control plane and for the process that mints the token; the Worker has it as variables.
GATEWAY = """\
[server]
public_url = "http://localhost:{front}"
[data]
dir = "{directory}/worker-data"
[hot]
upstash = "http://127.0.0.1:{bridge}"
token = "{token}"
[[budgets]]
scope = "default_user"
window = "monthly"
amount = "1000000.00"
[providers.mock]
kind = "anthropic"
base_url = "http://127.0.0.1:{mock}"
api_key = "{key}"
[models.mock]
provider = "mock"
price = {{ input = "1.00", output = "5.00" }}
"""

WORKER = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["public", "private", "local"]))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "2026-04-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [{bindings}],
);
"""

PASS_THROUGH = """\
import bind from "./bindings.js";
import program from "./gateway.wasm";
const worker = bind();
const { exports } = new WebAssembly.Instance(program, worker.imports);
worker.__wbg_set_wasm(exports);
exports.__wbindgen_start();
export default { fetch: (request, env, context) => worker.fetch(request, env, context) };
"""

NOTHING = 'export default { fetch: () => new Response("nothing") };\n'

CALLS, CONNECTIONS, STARTS = 2000, 8, 15


def worker(running, scale):
    """Measures processor time for each call, and the time from the process's start to its first answer."""
    workers = Workers(running)
    calls = max(200, round(CALLS * scale))
    results = {}
    for name, server in workers.servers.items():
        load.oha(running, server, "-c", str(CONNECTIONS), "-n", str(calls))
    rounds = {name: [] for name in workers.servers}
    for _ in range(3):
        for name, server in workers.servers.items():
            before = server.process.cpu()
            said = load.oha(running, server, "-c", str(CONNECTIONS), "-n", str(calls))
            taken = (server.process.cpu() - before) / calls
            rounds[name].append({"cpu": taken, "p50": said["latencyPercentiles"]["p50"]})
    for name, found in rounds.items():
        results[name] = {what: statistics.median(one[what] for one in found) for what in found[0]}
        results[name]["memory"] = workers.servers[name].process.memory()
    starts = {name: [] for name in workers.commands}
    for _ in range(max(3, round(STARTS * scale))):
        for name, found in starts.items():
            found.append(workers.start_time(name))
    return results | {"starts": {name: statistics.median(found) for name, found in starts.items()}, "calls": calls}


class Workers:
    """Starts everything, and mints a token for the gateway's calls."""

    def __init__(self, running):
        self.running = running
        prepared = subprocess.run(["bash", "-c", PREPARE.format(root=running.root)], capture_output=True, text=True, check=True)
        self.runtime, self.redis = prepared.stdout.splitlines()[-2:]
        self.commands = {}
        ports = {name: site.free_port() for name in ("front", "control", "redis", "bridge", "passing")}
        token, variables = self.gateway(ports)
        build = running.root / "edge"
        modules = {"worker.js": build / "worker.js", "build/bindings.js": build / "build/bindings.js", "build/gateway.wasm": build / "build/gateway.wasm"}
        front = self.workerd("gateway", ports["front"], modules, variables)
        passing = machine.target(running.root).parent / "wasm32-unknown-unknown/worker/pass-through"
        modules = {"main.js": self.write("pass-through.js", PASS_THROUGH), "bindings.js": passing / "bindings.js", "gateway.wasm": passing / "gateway.wasm"}
        upstream = {"UPSTREAM": f"http://127.0.0.1:{running.mock_port}"}
        plain = self.workerd("pass-through", ports["passing"], modules, upstream)
        self.command("nothing", site.free_port(), {"main.js": self.write("nothing.js", NOTHING)}, {})
        self.servers = {
            "pass-through": site.Server(ports["passing"], f"x-api-key: {site.KEY}", plain),
            "gateway": site.Server(ports["front"], f"authorization: Bearer {token}", front),
        }

    def gateway(self, ports):
        """Starts the stores and the control plane; returns a token and the Worker's variables."""
        running = self.running
        programs = machine.target(running.root)
        redis = [self.redis, "--bind", "127.0.0.1", "--port", ports["redis"], "--requirepass", PASSWORD, "--save", "", "--dir", running.directory]
        running.run("redis", redis, ports["redis"])
        bridge = [programs / "upstash-bridge", "--listen", f"127.0.0.1:{ports['bridge']}", "--token", TOKEN]
        bridge += ["--redis", f"redis://127.0.0.1:{ports['redis']}", "--password", PASSWORD]
        running.run("bridge", bridge, ports["bridge"])
        places = {"directory": running.directory, "mock": running.mock_port, "key": site.KEY, "token": TOKEN}
        file = self.write("worker.toml", GATEWAY.format(**places, **ports))
        program = [str(programs / "llm-gateway"), "--config", str(file)]
        # With the development sign-in, at the address that the Worker has afterwards.
        listen = "LLM_GATEWAY__SERVER__LISTEN=127.0.0.1:"
        whole = running.run("minting", ["env", f"{listen}{ports['front']}", *program], ports["front"])
        token = people.token(f"http://localhost:{ports['front']}")
        running.processes.remove(whole)
        whole.end()
        made = subprocess.run([*program, "keys", "front"], capture_output=True, text=True, check=True).stdout
        keys = dict(line.split("=", 1) for line in made.splitlines() if line.startswith("LLM_GATEWAY__"))
        # It is quoted for a shell.
        fronts = keys["LLM_GATEWAY__CONTROL__FRONTS"].strip("'")
        control = ["env", f"{listen}{ports['control']}", f"LLM_GATEWAY__CONTROL__FRONTS={fronts}", *program, "serve", "--control"]
        running.run("control", control, ports["control"])
        mock = f'{{kind = "anthropic", base_url = "http://127.0.0.1:{running.mock_port}", api_key = "{site.KEY}"}}'
        variables = {
            "SERVER": f'{{public_url = "http://localhost:{ports["front"]}"}}',
            "HOT": f'{{upstash = "http://127.0.0.1:{ports["bridge"]}", token = "{TOKEN}"}}',
            "CONTROL": f'{{url = "http://127.0.0.1:{ports["control"]}"}}',
            "CONTROL__KEY": keys["LLM_GATEWAY__CONTROL__KEY"],
            "SIGNIN": '{issuer = "http://localhost:9/", client_id = "bench", allow_anyone = true}',
            "BUDGETS": '[{scope = "default_user", window = "monthly", amount = "1000000.00"}]',
            "PROVIDERS": f"{{mock = {mock}}}",
            "MODELS": '{mock = {provider = "mock", price = {input = "1.00", output = "5.00"}}}',
        }
        return token, {f"LLM_GATEWAY__{name}": value for name, value in variables.items()}

    def command(self, name, port, modules, variables):
        """Writes what the runtime reads, and returns the command that runs it."""
        kind = lambda path: "wasm" if path.suffix == ".wasm" else "esModule"
        embedded = [f"(name = {json.dumps(called)}, {kind(path)} = embed {json.dumps(str(path))})" for called, path in modules.items()]
        bindings = [f"(name = {json.dumps(called)}, text = {json.dumps(value)})" for called, value in variables.items()]
        text = WORKER.format(port=port, modules=", ".join(embedded), bindings=", ".join(bindings))
        file = self.write(f"{name}.capnp", text)
        self.commands[name] = ([self.runtime, "serve", str(file), "--import-path=/"], port)
        return self.commands[name][0]

    def workerd(self, name, port, modules, variables):
        """Starts a Worker."""
        return self.running.run(name, self.command(name, port, modules, variables), port)

    def start_time(self, name):
        """Returns the seconds from the start of a Worker's process to its first answer."""
        command, port = self.commands[name]
        file = pathlib.Path(command[2])
        other = site.free_port()
        moved = self.write(f"start-{name}.capnp", file.read_text().replace(f"127.0.0.1:{port}\"", f"127.0.0.1:{other}\"", 1))
        began = time.monotonic()
        process = subprocess.Popen([command[0], "serve", str(moved), "--import-path=/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{other}/healthz", timeout=10).read()
                except urllib.error.HTTPError:
                    return time.monotonic() - began
                except OSError:
                    if time.monotonic() - began > 30:
                        raise SystemExit(f"bench: {name} does not start") from None
                    time.sleep(0.001)
                else:
                    return time.monotonic() - began
        finally:
            process.kill()
            process.wait()

    def write(self, name, text):
        """Writes a file into the folder of the benchmark."""
        file = self.running.directory / name
        file.write_text(text)
        return file


# What is built first, and where the runtime and Redis are: the last two lines.
PREPARE = """
set -e
root={root}
. "$root/scripts/lib/tools.sh"
"$root/scripts/worker" >&2
"$root/scripts/worker" pass-through >&2
printf '%s\\n' "$LLM_GATEWAY_NODE/node_modules/workerd/bin/workerd" "$(find_redis)"
"""
