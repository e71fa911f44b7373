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


def token(origin):
    """Signs somebody in and returns a token of theirs, with a minute for the server to come up."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = Form()
    form.feed(browser.open(f"{origin}/oauth2/start?rd=/token-manager", timeout=60).read().decode())
    fields = urllib.parse.urlencode({**form.fields, "email": "bench@example.com"}).encode()
    browser.open(f"{origin}/dev/oidc/authorize", fields, timeout=60).read()
    headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    body = json.dumps({"token_name": f"bench {time.time():.0f}"}).encode()
    request = urllib.request.Request(f"{origin}/api/token/generate", body, headers)
    return json.load(browser.open(request, timeout=60))["token"]
