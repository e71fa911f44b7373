"""The pages: what a browser that has never been here fetches for them, and how soon it has their data."""

import json
import pathlib
import subprocess

from . import machine, site

GATEWAY = """\
[server]
listen = "127.0.0.1:{port}"
[data]
dir = "{directory}/pages"
"""

# Where the browser and its driver are.
FIND = """
root={root}
. "$root/scripts/lib/tools.sh"
printf '%s\\n%s' "$(find_chromium)" "$LLM_GATEWAY_NODE"
"""


def pages(running, scale):
    """Opens each page, the first time and again. There is nothing to repeat: sizes are what they are."""
    del scale
    port = site.free_port()
    file = running.directory / "pages.toml"
    file.write_text(GATEWAY.format(port=port, directory=running.directory))
    running.run("pages", [machine.target(running.root) / "llm-gateway", "--config", file], port)
    try:
        found = subprocess.run(["bash", "-c", FIND.format(root=running.root)], capture_output=True, text=True, check=True)
        script = pathlib.Path(__file__).with_suffix(".mjs")
        command = ["node", script, f"http://localhost:{port}", *found.stdout.splitlines()]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    finally:
        running.processes.pop().end()
