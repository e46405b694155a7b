"""The desktop of the sandbox against what was recorded of a running Zotero: the same requests in the same order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from refsync.sync import sandbox
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.consents import Consents
from refsync.sync.sandbox.database import Database
from refsync.sync.sandbox.library import Library
from tests.conftest import SHARED
from tests.records import Made, check, different, expanded, replayed

RECORDS = SHARED / "zotero" / "local-contract.jsonl"
HEADERS = ("Last-Modified-Version", "Total-Results", "Link", "Content-Type", "WWW-Authenticate", "Retry-After")
HEADERS += ("Zotero-API-Version", "Zotero-Schema-Version", "Zotero-Server-ID")
HOST = "http://127.0.0.1:23119"
SERVER, USER = "KVwBxuAfYaSd", "dbSuDM3u"  # what the recorded desktop called itself and its user
ANSWERS = {"local.authorize.always": "always", "local.authorize.deny": "deny"}  # what the person clicked; else "once"
LEAST = 95
# What the sandbox does not do as the desktop does, and why.
DIFFERENT: dict[str, str] = {}


class Replay:
    """Sends the records one after the other, with the keys that the sandbox made where the desktop made others."""

    def __init__(self, database: Database) -> None:
        self.clock = datetime(2026, 11, 23, 18, 15, 0, tzinfo=UTC)
        self.record = ""
        accounts = Accounts(database=database, now=lambda: self.clock)
        self.consents = Consents(database, lambda: self.clock, lambda app: ANSWERS.get(self.record, "once"))
        self.consents.remember("alwaysAllowKey0000000000000000001", "refsync")
        self.consents.lend("onceKey00000000000000000000000002")
        self.desktop = sandbox.Desktop(accounts, self.consents)
        self.client = Client(self.desktop)
        self.library = Library(database=database, name="users/0")
        self.made = Made({SERVER: self.consents.known_as("server"), USER: self.consents.known_as("user")})
        for key, name in (("2MZM24Z3", "x" * 256), ("VGGZLR34", "c")):  # were there already
            with self.library.writing() as version:
                self.library.put("collections", key, version, {"name": name, "parentCollection": False})

    def sent(self, record: dict[str, Any]) -> list[str]:
        """What differs in the answer to a record."""
        self.record = record["name"]
        self.between()
        request, expected = record["request"], record["response"]
        body = request.get("body")
        data = self.made.ours("" if body is None else json.dumps(expanded(body)))
        headers = {name: self.made.ours(value) for name, value in request["headers"].items()}
        path = self.made.ours(request["path"])
        answer = self.client.open(path, HOST, method=request["method"], headers=headers, data=data)
        text = answer.get_data(as_text=True)
        got = json.loads(text) if text and answer.mimetype == "application/json" else text
        wanted = expanded(expected["body"])
        self.made.learn(wanted, got, *(["key"] if isinstance(wanted, dict) and "remember" in wanted else []))
        found = [] if answer.status_code == expected["status"] else [f"{answer.status_code}, not {expected['status']}"]
        for name in HEADERS:
            theirs = expected["headers"].get(name)
            ours = answer.headers.get(name)
            if name == "Content-Type" and ours:
                ours = answer.mimetype if text else None
            if ours != (self.made.ours(theirs) if theirs else theirs):
                found.append(f"{name} {ours}, not {theirs}")
        return [*found, *different("", got, self.made.mapped(wanted)), *self.wording(got, wanted)]

    def between(self) -> None:
        """What happened between the records and was not recorded."""
        if self.record == "local.authorize.allow-once":
            self.clock = datetime(2026, 11, 23, 18, 22, 21, tzinfo=UTC)
        if self.record == "local.authorize.once.write":
            with self.library.writing():
                pass
        if self.record == "local.authorize.429":
            self.consents.asked("another")
        self.desktop.enabled = not self.record.startswith("local.disabled")

    def wording(self, got: Any, wanted: Any) -> list[str]:
        """Where the reasons of what failed differ."""
        if not isinstance(wanted, dict) or "failed" not in wanted:
            return []
        told = {at: one["message"] for at, one in got["failed"].items()}
        expected = {at: one["message"] for at, one in wanted["failed"].items()}
        return [] if told == expected else [f"{told}, not {expected}"]


@pytest.fixture(scope="module")
def differences() -> dict[str, list[str]]:
    with Database.opened(None) as database:
        return replayed(RECORDS, Replay(database))


def test_the_sandbox_answers_as_the_desktop(differences: dict[str, list[str]]) -> None:
    check(differences, DIFFERENT, LEAST)
