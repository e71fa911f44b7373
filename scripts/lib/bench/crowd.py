"""Many people: the directory tells of each, they sign in, and they mint tokens, by the public API alone."""

import concurrent.futures
import json
import socket
import sys
import time
import urllib.parse

ADMINISTRATOR = "admin@example.com"

# What the directory shows.
DIRECTORY = "obviously-fake-token-of-the-directory"

TOKENS = 10

# The gateway's writes share a commit if they come together: the more at once, the sooner everybody is there.
PROCESSES, AT_ONCE = 12, 20

# How long they may take, in seconds.
PATIENCE = 600

JSON, FORM, SCIM = "application/json", "application/x-www-form-urlencoded", "application/scim+json"

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class Answer:
    """What was answered: where to go next, if anywhere, and the body."""

    def __init__(self, location, body):
        self.location, self.body = location, body

    def json(self):
        """Returns the document in the body."""
        return json.loads(self.body)


class Client:
    """A connection that stays open, with the cookies that came over it. One answer is read before the next question."""

    def __init__(self, port):
        self.port, self.cookies = port, {}
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def ask(self, method, path, body="", kind=JSON, shown=None):
        """Asks something; ends the program if it was refused. `shown` is a bearer token, instead of the cookies."""
        head = [f"{method} {path} HTTP/1.1", f"host: localhost:{self.port}", "sec-fetch-site: same-origin"]
        if shown:
            head.append(f"authorization: Bearer {shown}")
        elif self.cookies:
            head.append("cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body:
            head += [f"content-type: {kind}", f"content-length: {len(body)}"]
        self.socket.sendall("\r\n".join([*head, "", body]).encode())
        return self.answer(f"{method} {path}")

    def answer(self, asked):
        """Reads an answer."""
        status, length, location = self.reader.readline(), 0, None
        while (line := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            match name.lower():
                case "content-length":
                    length = int(value)
                case "location":
                    location = value.strip()
                case "set-cookie":
                    self.keep(value)
        body = self.reader.read(length)
        if not status.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3")):
            raise SystemExit(f"bench: {asked}: {status!r} {body!r}")
        return Answer(location, body)

    def keep(self, cookie):
        """Keeps a cookie, or forgets one that was taken back."""
        pair, *attributes = cookie.strip().split("; ")
        name, _, value = pair.partition("=")
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def sign_in(self, email):
        """Signs somebody in, in place of who was, by what the form of the development sign-in sends."""
        self.cookies.clear()
        query = urllib.parse.urlsplit(self.ask("GET", "/oauth2/start").location).query
        form = f"{query}&{urllib.parse.urlencode({'email': email})}"
        back = urllib.parse.urlsplit(self.ask("POST", "/dev/oidc/authorize", form, FORM).location)
        self.ask("GET", f"{back.path}?{back.query}")

    def close(self):
        """Ends the connection."""
        self.reader.close()
        self.socket.close()


def address(number):
    """Returns somebody's address."""
    return f"user{number}@example.com"


def gather(port, people, suspended):
    """Has everybody come, and the last of them suspended; ends the program if the gateway counts other tokens than theirs."""
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        numbers = range(1, people + 1)
        jobs = [pool.submit(come, port, numbers[at : at + AT_ONCE]) for at in range(0, people, AT_ONCE)]
        for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            job.result()
            if done * 10 // len(jobs) > (done - 1) * 10 // len(jobs):
                here = f"{done * people // len(jobs):,} of {people:,} people are there"
                print(f"bench: {here} after {time.monotonic() - began:.0f} s", file=sys.stderr)
    client = Client(port)
    client.sign_in(ADMINISTRATOR)
    for number in range(people - suspended + 1, people + 1):
        client.ask("POST", "/api/admin/users/ban", json.dumps({"user_email": address(number)}))
    # A gateway that has just started does not count yet.
    while not (summary := client.ask("GET", "/api/admin/tokens?limit=1").json()["summary"]):
        if time.monotonic() - began > PATIENCE:
            raise SystemExit("bench: the gateway does not count tokens")
        time.sleep(0.2)
    if summary["active"] != people * TOKENS:
        raise SystemExit(f"bench: {people * TOKENS} tokens were minted, and counted are {summary}")
    client.close()


def come(port, numbers):
    """Has some of them come."""
    client = Client(port)
    for number in numbers:
        email = address(number)
        told = {"schemas": [USER], "userName": email, "emails": [{"value": email, "primary": True}]}
        client.ask("POST", "/scim/v2/Users", json.dumps(told), SCIM, DIRECTORY)
        client.sign_in(email)
        for token in range(1, TOKENS + 1):
            client.ask("POST", "/api/token/generate", json.dumps({"token_name": f"t{token}"}))
    client.close()
