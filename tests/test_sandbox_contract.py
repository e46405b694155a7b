"""The sandbox against what was recorded of a running zotero/dataserver: the same requests in the same order."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from refsync.sync import sandbox
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.database import Database
from tests.conftest import SHARED

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
WORDING = ("message", "loginURL", "emails")
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


def expanded(value: Any) -> Any:
    """Long runs of one character are written {"$repeat": [char, count]}."""
    match value:
        case {"$repeat": [char, count]}:
            return char * count
        case dict():
            return {name: expanded(one) for name, one in value.items()}
        case list():
            return [expanded(one) for one in value]
    return value


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

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.client = Client(sandbox.Sandbox(accounts))
        self.made: dict[str, str] = {}

    def sent(self, record: dict[str, Any]) -> list[str]:
        """What differs in the answer to a record."""
        request, expected = record["request"], record["response"]
        if record["name"] == "session.completed":  # a person said yes in between
            self.accounts.grant(self.made[request["path"].rpartition("/")[2]], 1)
        part = record["name"].endswith(".stored")  # recorded with the header of the key and most of the body cut away
        if part:
            request["headers"]["Zotero-API-Key"] = FULL
        body = request.get("body")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(expanded(body))
        data = self.ours(text).encode()
        if request["headers"].get("Content-Encoding") == "gzip":
            data = gzip.compress(b'[{"key":"GZPAAAAA","version":0,"itemType":"book","title":"gz"}]')
        answer = self.client.open(
            self.ours(request["path"]), HOST, method=request["method"], headers=request["headers"], data=data
        )
        got = (
            json.loads(answer.data)
            if answer.data and answer.mimetype == "application/json"
            else answer.get_data(as_text=True)
        )
        wanted = expanded(expected["body"])
        self.learn(wanted, got)
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
            if ours != (self.ours(theirs) if theirs else theirs) and not (name.startswith("Zotero") and theirs is None):
                found.append(f"{name} {ours}, not {theirs}")
        return found + list(different("", got, self.mapped(wanted)))

    def ours(self, text: str) -> str:
        for theirs, ours in self.made.items():
            text = text.replace(theirs, ours)
        return text

    def mapped(self, value: Any) -> Any:
        return json.loads(self.ours(json.dumps(value)))

    def learn(self, wanted: Any, got: Any) -> None:
        """Which key stands for which, from the places where both made one."""
        if not (isinstance(wanted, dict) and isinstance(got, dict)):
            return
        for index, key in wanted.get("success", {}).items():
            if (ours := got.get("success", {}).get(index)) and ours != key:
                self.made[key] = ours
        for name in ("sessionToken", "apiKey"):
            if name in wanted and name in got:
                self.made[wanted[name]] = got[name]


def different(at: str, got: Any, wanted: Any) -> Iterator[str]:
    """Where two bodies differ; the wording of messages aside."""
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in sorted(got.keys() | wanted.keys()):
            if name in WORDING:
                continue
            if name not in got or name not in wanted:
                yield f"{at}.{name} {'is missing' if name in wanted else 'is too much'}"
            elif name in ("collections", "tags") and isinstance(got[name], list):  # their order means nothing
                yield from different(f"{at}.{name}", sorted(map(str, got[name])), sorted(map(str, wanted[name])))
            else:
                yield from different(f"{at}.{name}", got[name], wanted[name])
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from different(f"{at}[{number}]", one, other)
    elif isinstance(got, str) and isinstance(wanted, str) and not at:
        if re.fullmatch(r"([0-9A-Z]{8}\n)*\n?", wanted) and got.split() != wanted.split():
            yield f"{got.split()[:9]}, not {wanted.split()[:9]}"
    elif got != wanted:
        yield f"{at} {str(got)[:80]}, not {str(wanted)[:80]}"


def moment(records: list[dict[str, Any]], at: int) -> str:
    """What the server's clock said at a record: the latest time in its answer, else that of the object when next read."""
    record = records[at]
    if record["response"]["status"] == 204:
        path = record["request"]["path"]
        again = (one for one in records[at:] if one["request"]["path"] == path and one["request"]["method"] == "GET")
        record = next(again, record)
    return max(re.findall(r'"(2026-[\d-]+T[\d:]+Z)"', json.dumps(record["response"]["body"])), default="")


@pytest.fixture(scope="module")
def differences() -> dict[str, list[str]]:
    if not RECORDS.is_file():
        pytest.skip("the recorded exchanges (../shared/zotero/web-contract.jsonl) are not here")
    records = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    clock = [datetime(2026, 11, 23, 18, 6, 19, tzinfo=UTC)]
    found = {}
    with Database.opened(None) as database:
        accounts = Accounts(database=database, now=lambda: clock[0])
        peopled(accounts)
        replay = Replay(accounts)
        for number, record in enumerate(records):
            if latest := moment(records, number):
                clock[0] = max(clock[0], datetime.fromisoformat(latest))
            found[record["name"]] = replay.sent(record)
    return found


def test_the_sandbox_answers_as_the_server(differences: dict[str, list[str]]) -> None:
    failing = {name: why for name, why in differences.items() if why}
    assert failing.keys() == DIFFERENT.keys(), {name: why[:3] for name, why in failing.items() if name not in DIFFERENT}
    assert len(differences) - len(failing) >= LEAST
