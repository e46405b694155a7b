"""The sandbox against what was recorded of a running zotero/dataserver: the same requests in the same order."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from refsync.sync import sandbox
from refsync.sync.shelf import Shelf
from tests.conftest import SHARED

RECORDS = SHARED / "zotero" / "web-contract.jsonl"
HEADERS = ("Last-Modified-Version", "Total-Results", "Allow", "Zotero-API-Version", "Zotero-Schema-Version", "Link")
HOST = "http://127.0.0.1:8380"
LEAST = 340
# What the sandbox does not do as the server does, and why.
DIFFERENT: dict[str, str] = {}


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


def peopled(shelf: Shelf) -> None:
    """The users, keys and groups that the records presuppose."""
    alice, bob = shelf.add_user("alice", "Alice Example", 1), shelf.add_user("bob", "Bob Example", 2)
    shelf.add_key(alice, "aliceFullAccess000000001")
    shelf.add_key(alice, "aliceReadOnly00000000001", write=False, groups={})
    shelf.add_key(alice, "aliceNoNotes000000000001", notes=False, groups={})
    shelf.add_key(alice, "aliceNoLibrary0000000001", library=False)
    shelf.add_group("Alice group", alice, group=1)
    shelf.add_group("Bob private", bob, group=2)
    shelf.add_group("Bob public", bob, public=True, group=3)


class Replay:
    """Sends the records one after the other, with the keys that the sandbox made where the server made others."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.client = Client(sandbox.Sandbox(shelf))
        self.made: dict[str, str] = {}

    def sent(self, record: dict[str, Any]) -> list[str]:
        """What differs in the answer to a record."""
        request, expected = record["request"], record["response"]
        if record["name"] == "session.completed":
            self.shelf.grant(next(iter(self.made.values())) and self.made[request["path"].rpartition("/")[2]], 1)
        body = request.get("body")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(expanded(body))
        data = self.ours(text).encode()
        if request["headers"].get("Content-Encoding") == "gzip":
            data = gzip.compress(b'[{"key":"GZPAAAAA","version":0,"itemType":"book","title":"gz"}]')
        answer = self.client.open(
            self.ours(request["path"]), HOST, method=request["method"], headers=request["headers"], data=data
        )
        got = json.loads(answer.data) if answer.data and answer.mimetype == "application/json" else answer.get_data(as_text=True)
        wanted = expanded(expected["body"])
        self.learn(wanted, got)
        found = [f"status {answer.status_code}, not {expected['status']}"] if answer.status_code != expected["status"] else []
        for name in HEADERS:
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
            if name in ("message", "loginURL", "emails", "collections") and name != "collections":
                continue
            if name not in got or name not in wanted:
                yield f"{at}.{name} {'is missing' if name in wanted else 'is too much'}"
            elif name == "collections" and isinstance(got[name], list):
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


def moments(value: Any) -> Iterator[str]:
    """The times that the server took from its clock."""
    yield from re.findall(r'"(2026-[\d-]+T[\d:]+Z)"', json.dumps(value))


@pytest.fixture(scope="module")
def differences() -> dict[str, list[str]]:
    if not RECORDS.is_file():
        pytest.skip("the recorded exchanges (../shared/zotero/web-contract.jsonl) are not here")
    records = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    clock = [datetime(2026, 11, 23, 18, 6, 19, tzinfo=UTC)]
    now: Callable[[], datetime] = lambda: clock[0]
    found = {}
    with Shelf.opened(None, now) as shelf:
        peopled(shelf)
        replay = Replay(shelf)
        for record in records:
            latest = max(moments(record["response"]["body"]), default="")
            if latest:
                clock[0] = max(clock[0], datetime.fromisoformat(latest))
            found[record["name"]] = replay.sent(record)
    return found


def test_the_sandbox_answers_as_the_server(differences: dict[str, list[str]]) -> None:
    failing = {name: why for name, why in differences.items() if why}
    assert sorted(failing) == sorted(DIFFERENT), failing
    assert len(differences) - len(failing) >= LEAST
