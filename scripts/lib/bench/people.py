"""A person: the development sign-in by its form, and a token minted as the page does."""

import html.parser
import http.cookiejar
import json
import time
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    """The hidden fields of a page."""

    def __init__(self):
        super().__init__()
        self.fields = {}

    def handle_starttag(self, tag, attributes):
        """Keeps a hidden field."""
        attributes = dict(attributes)
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes.get("value", "")


EMAIL = "bench@example.com"


def token(origin):
    """Signs somebody in and returns a token of theirs, with a minute for the server to come up."""
    return mint(sign_in(origin), origin)["token"]


def budgeted_token(origin):
    """Returns the same with a budget of each kind that can be set by the API; they have to be an administrator for that."""
    browser = sign_in(origin)
    minted = mint(browser, origin)
    for scope, window in [("org", "total"), (f"user:{EMAIL}", "weekly"), (f"token:{minted['token_id']}", "daily")]:
        ask(browser, "PUT", f"{origin}/api/admin/budgets", {"scope": scope, "window": window, "amount": "1000000.00"})
    return minted["token"]


def sign_in(origin):
    """Returns a browser in which somebody is signed in."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = Form()
    form.feed(browser.open(f"{origin}/oauth2/start?rd=/token-manager", timeout=60).read().decode())
    fields = urllib.parse.urlencode({**form.fields, "email": EMAIL}).encode()
    browser.open(f"{origin}/dev/oidc/authorize", fields, timeout=60).read()
    return browser


def mint(browser, origin):
    """Mints a token."""
    return ask(browser, "POST", f"{origin}/api/token/generate", {"token_name": f"bench {time.time():.0f}"})


def ask(browser, method, url, body):
    """Changes something as a page does."""
    headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    return json.load(browser.open(request, timeout=60))
