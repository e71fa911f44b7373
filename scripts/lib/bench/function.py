"""The control plane as a Lambda function: how long it takes from its start, and how large it is."""

import gzip
import json
import os
import statistics
import subprocess

from . import machine

STARTS = 25


def function(running, scale):
    """Measures the time until it asks for work, that of its first and second answer, and its size."""
    programs = machine.target(running.root)
    subprocess.run(["cargo", "build", "--locked", "--release", "--package", "gateway-lambda"], cwd=running.root, check=True)
    said = subprocess.run(["bash", "-c", PREPARE.format(root=running.root)], capture_output=True, text=True, check=True)
    names = ("LLM_GATEWAY_REDIS", "LLM_GATEWAY_JAVA", "LLM_GATEWAY_DYNAMODB")
    places = dict(zip(names, said.stdout.splitlines()[-3:], strict=True)) | {"LLM_GATEWAY_BIN": programs / "llm-gateway"}
    command = [programs / "lambda-start", programs / "gateway-lambda", "--runs", str(max(5, round(STARTS * scale)))]
    printed = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed.splitlines()[-1])
    stripped = running.directory / "gateway-lambda"
    subprocess.run(["strip", "-o", stripped, programs / "gateway-lambda"], check=True)
    size = len(gzip.compress(stripped.read_bytes(), 9))
    times = {name: {"median": statistics.median(all_), "highest": max(all_)} for name, all_ in found.items()}
    return {"times": times, "starts": len(found["init"]), "size": size, "program": stripped.stat().st_size}


# Where the stores are.
PREPARE = """
set -e
root={root}
. "$root/scripts/lib/tools.sh"
printf '%s\\n' "$(find_redis)" "$(find_java)" "$LLM_GATEWAY_DYNAMODB"
"""
