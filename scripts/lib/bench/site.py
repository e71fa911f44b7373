"""The servers, side by side: the mock of a provider, nginx in front of it, and the gateway in front of it."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from . import machine, people

KEY = "key-of-the-benchmark"

# nginx as a plain proxy that keeps its connections, like the gateway.
NGINX = """\
daemon off;
worker_processes 2;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx; proxy_temp_path {directory}/nginx; fastcgi_temp_path {directory}/nginx;
    uwsgi_temp_path {directory}/nginx; scgi_temp_path {directory}/nginx;
    keepalive_requests 1000000000;
    upstream mock {{ server {mock}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen {listen};
        location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""

# All checks are on, and calls count against budgets of several kinds that are never used up.
GATEWAY = """\
[server]
listen = "{listen}"
[data]
dir = "{directory}/data"
[roles]
admins = ["bench@example.com"]
[[budgets]]
scope = "default_user"
window = "monthly"
amount = "1000000.00"
[providers.mock]
kind = "anthropic"
base_url = "http://{mock}"
api_key = "{key}"
[providers.echo]
kind = "echo"
"""

MODEL = """
[models.{name}]
provider = "{provider}"
price = {{ input = "1.00", output = "5.00" }}
"""

MODELS = ["mock", "mock-events-100-pace-20-stamped", "mock-events-20000", "mock-events-300000", "mock-events-20-pace-1000"]


class Process:
    """A server with what it started, which ends with the benchmark."""

    def __init__(self, command, log, port):
        self.log = log
        output = log.open("w")
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0)
        self.wait_for(port)

    def wait_for(self, port):
        """Returns once something listens."""
        for _ in range(200):
            if self.child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"bench: {self.child.args[0]} did not start\n{self.log.read_text()}")

    def members(self):
        """Returns the process and its children."""
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        return [self.child.pid, *map(int, children)]

    def memory(self):
        """Returns the resident memory, in MiB."""
        pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.members())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu(self):
        """Returns the processor time used so far, in seconds."""
        ticks = 0
        for pid in self.members():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self):
        """Ends it, and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


class Server:
    """What can be asked: an address, how to show who asks, for which model, and the process that is measured."""

    def __init__(self, port, credential, process, model="mock"):
        self.port, self.credential, self.process, self.model = port, credential, process, model


class Site:
    """All servers, from the start of a `with` to its end."""

    def __init__(self, root, tools, provider):
        self.root, self.tools, self.provider = root, tools, provider
        self.processes = []

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="llm-gateway-bench-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        """Starts everything and mints a token."""
        programs = machine.target(self.root)
        mock, nginx, gateway = (free_port() for _ in range(3))
        places = {"directory": self.directory, "mock": f"127.0.0.1:{mock}", "key": KEY}
        self.mock_port = mock
        command = [programs / "mock-provider", "--listen", places["mock"], "--key", KEY]
        direct = self.run("mock", command, mock)
        (self.directory / "nginx").mkdir()
        file = self.directory / "nginx.conf"
        file.write_text(NGINX.format(listen=f"127.0.0.1:{nginx}", **places))
        proxy = self.run("nginx-process", [self.tools["nginx"], "-c", file], nginx)
        file = self.directory / "gateway.toml"
        models = [MODEL.format(name=name, provider="mock") for name in MODELS]
        models.append(MODEL.format(name="echo", provider="echo"))
        file.write_text(GATEWAY.format(listen=f"127.0.0.1:{gateway}", **places) + "".join(models))
        ours = self.run("gateway", [programs / "llm-gateway", "--config", file], gateway)
        self.idle = ours.memory()
        token = people.budgeted_token(f"http://localhost:{gateway}")
        self.direct = Server(mock, f"x-api-key: {KEY}", direct)
        self.nginx = Server(nginx, f"x-api-key: {KEY}", proxy)
        # One switch: who answers what the gateway is asked.
        self.gateway = Server(gateway, f"authorization: Bearer {token}", ours, self.provider)

    def run(self, name, command, port):
        """Starts a server."""
        process = Process(list(map(str, command)), self.directory / f"{name}.log", port)
        self.processes.append(process)
        return process

    def __exit__(self, *_):
        for process in self.processes:
            if process.child.poll() is not None:
                last = process.log.read_text().splitlines()[-20:]
                print(f"bench: {process.child.args[0]} ended by itself: {process.child.returncode}", *last, sep="\n", file=sys.stderr)
            process.end()
        shutil.rmtree(self.directory, ignore_errors=True)


def free_port():
    """Returns a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
