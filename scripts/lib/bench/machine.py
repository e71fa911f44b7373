"""The machine: what it is, what is installed on it, and which two of its cores are used."""

import datetime
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys

# Streams are open at both ends of each proxy.
DESCRIPTORS = 8192


def tools(root):
    """Returns where the tools are; ends the program if one is missing."""
    script = f'root={root}; . "$root/scripts/lib/tools.sh"; printf %s "$LLM_GATEWAY_OHA"'
    oha = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not pathlib.Path(oha).exists() or not nginx:
        sys.exit("bench: oha or nginx is missing; `scripts/tools bench` installs them")
    return {"oha": oha, "nginx": nginx}


def build(root):
    """Builds the programs for release."""
    packages = ["--package", "gateway-local", "--package", "gateway-tests"]
    subprocess.run(["cargo", "build", "--locked", "--release", "--bins", *packages], cwd=root, check=True)


def target(root):
    """Returns where Cargo builds."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or root / "target") / "release"


def settle():
    """Keeps this process, and what it starts, to two cores, with room for many connections; returns how busy it is."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"bench: the machine is busy, load average {load:.2f}", file=sys.stderr)
    return load


def facts(root, tools, load):
    """Returns what somebody has to know who compares numbers."""
    def said(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
        return (done.stdout or done.stderr).strip().splitlines()[0]

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.date.today().isoformat(),
        "commit": said("git", "describe", "--always", "--dirty"),
        "processor": f"{processor()}; {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores used",
        "memory": f"{memory:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "tools": f"{said('rustc', '--version')}; {said(tools['nginx'], '-v')}; {said(tools['oha'], '--version')}",
        "load average before": f"{load:.2f}",
    }


def processor():
    """Returns the processor's name."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
