"""The load: oha for many requests, and one socket for one stream whose events say when they were sent."""

import json
import re
import socket
import subprocess
import time

STAMP = re.compile(rb"@(\d{19})")


def body(model, stream=False):
    """Returns the body of a call."""
    message = {"role": "user", "content": "ping"}
    return json.dumps({"model": model, "max_tokens": 64, "stream": stream, "messages": [message]})


def oha(site, server, *options, model=None, stream=False):
    """Runs oha, and returns what it says; ends the program if anything but 200 and 503 was answered.

    A gateway that cannot ask its store in time answers 503. That is part of what is measured.
    """
    model = model or server.model
    command = [site.tools["oha"], "--no-tui", "--output-format", "json", "-m", "POST"]
    command += ["-H", "content-type: application/json", "-H", server.credential, "-d", body(model, stream)]
    command += [*options, f"http://127.0.0.1:{server.port}/v1/messages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: oha: {done.stderr}")
    said = json.loads(done.stdout)
    # What is still under way at the end of the time is no error.
    errors = {what: count for what, count in said["errorDistribution"].items() if "deadline" not in what}
    if errors or not {"200"} <= set(said["statusCodeDistribution"]) <= {"200", "503"}:
        raise SystemExit(f"bench: {server.process.child.args[0]}: {errors} {said['statusCodeDistribution']}")
    return said


def stream(server, model):
    """Reads one stream to its end; returns the seconds that it took, and each stamped event's way in seconds."""
    text = body(model, stream=True)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: localhost:{server.port}\r\n{server.credential}\r\n"
    head += f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(text)}\r\n\r\n"
    ways, last, first = [], b"", None
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall((head + text).encode())
        began = time.monotonic()
        while data := connection.recv(1 << 18):
            now = time.time_ns()
            first = first or data
            ways += [(now - int(stamp)) / 1e9 for stamp in STAMP.findall(data)]
            last = (last + data)[-64:]
        took = time.monotonic() - began
    if b" 200 " not in (first or b"").split(b"\r\n")[0] or b"message_stop" not in last:
        raise SystemExit(f"bench: a stream broke off: {first!r} … {last!r}")
    return took, ways
