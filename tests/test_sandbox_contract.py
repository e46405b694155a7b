"""The sandbox against what was recorded of a running zotero/dataserver: the same requests in the same order."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from refsync.sync import sandbox
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.database import Database
from tests.conftest import SHARED
from tests.records import Made, check, different, expanded, replayed

RECORDS = SHARED / "zotero" / "web-contract.jsonl"
HEADERS = (
    "Last-Modified-Version",
    "Total-Results",
    "Allow",
    "Zotero-API-Version",
    "Zotero-Schema-Version",
    "Link",
    "Backoff",
    "Retry-After",
)
FULL = "aliceFullAccess000000001"
HOST = "http://127.0.0.1:8380"
LEAST = 380
# What the sandbox does not do as the server does, and why.
DIFFERENT = {
    "read.csljson": "format=csljson is not offered: the sandbox gives items as Zotero's JSON only",
    "read.tags": "the server lists tags in an order of its own when none is asked for; the sandbox by name",
    "svc.backoff": "a wish of the operators: tests add it in middleware",
    "svc.readonly.post": "maintenance: tests add it in middleware",
    "svc.down": "maintenance: tests add it in middleware",
    "svc.429.rate": "the sandbox sets no pace: tests add it in middleware",
    "svc.429.auth-failures": "the sandbox sets no pace: tests add it in middleware",
    "svc.429.auth-failures.valid-key": "the sandbox sets no pace: tests add it in middleware",
}


def peopled(accounts: Accounts) -> None:
    """The users, keys and groups that the records presuppose."""
    alice, bob = accounts.add_user("alice", "Alice Example", 1), accounts.add_user("bob", "Bob Example", 2)
    accounts.add_key(alice, FULL)
    accounts.add_key(alice, "aliceReadOnly00000000001", write=False, groups={})
    accounts.add_key(alice, "aliceNoNotes000000000001", notes=False, groups={})
    accounts.add_key(alice, "aliceNoLibrary0000000001", library=False)
    accounts.add_group("Alice group", alice, group=1)
    accounts.add_group("Bob private", bob, group=2)
    accounts.add_group("Bob public", bob, public=True, group=3)


class Replay:
    """Sends the records one after the other, with the keys that the sandbox made where the server made others."""

    def __init__(self, database: Database) -> None:
        self.clock = datetime(2026, 11, 23, 18, 6, 19, tzinfo=UTC)
        self.accounts = Accounts(database=database, now=lambda: self.clock)
        peopled(self.accounts)
        self.client = Client(sandbox.Sandbox(self.accounts))
        self.made = Made()

    def sent(self, record: dict[str, Any]) -> list[str]:
        """What differs in the answer to a record."""
        request, expected = record["request"], record["response"]
        if record["name"] == "session.completed":  # a person said yes in between
            self.accounts.grant(self.made.keys[request["path"].rpartition("/")[2]], 1)
        part = record["name"].endswith(".stored")  # recorded with the header of the key and most of the body cut away
        if part:
            request["headers"]["Zotero-API-Key"] = FULL
        body = request.get("body")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(expanded(body))
        data = self.made.ours(text).encode()
        if request["headers"].get("Content-Encoding") == "gzip":
            data = gzip.compress(b'[{"key":"GZPAAAAA","version":0,"itemType":"book","title":"gz"}]')
        answer = self.client.open(
            self.made.ours(request["path"]), HOST, method=request["method"], headers=request["headers"], data=data
        )
        got = (
            json.loads(answer.data)
            if answer.data and answer.mimetype == "application/json"
            else answer.get_data(as_text=True)
        )
        wanted = expanded(expected["body"])
        self.made.learn(wanted, got, "sessionToken", "apiKey")
        found = (
            [f"status {answer.status_code}, not {expected['status']}"]
            if answer.status_code != expected["status"]
            else []
        )
        if part:
            got = {name: {one: got[name].get(one) for one in wanted[name]} for name in wanted}
        mime = expected["headers"].get("Content-Type") or expected["headers"].get("Content-type")
        if mime and answer.data and answer.mimetype != mime.partition(";")[0]:
            found.append(f"Content-Type {answer.mimetype}, not {mime}")
        for name in () if part else HEADERS:
            ours, theirs = answer.headers.get(name), expected["headers"].get(name)
            if ours != (self.made.ours(theirs) if theirs else theirs) and not (
                name.startswith("Zotero") and theirs is None
            ):
                found.append(f"{name} {ours}, not {theirs}")
        return found + list(different("", got, self.made.mapped(wanted)))


@pytest.fixture(scope="module")
def differences() -> dict[str, list[str]]:
    with Database.opened(None) as database:
        return replayed(RECORDS, Replay(database))


def test_the_sandbox_answers_as_the_server(differences: dict[str, list[str]]) -> None:
    check(differences, DIFFERENT, LEAST)
