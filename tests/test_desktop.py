"""The desktop that the sandbox plays: exchanges of tests/cases/sandbox/desktop*.yaml, and what its file keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from werkzeug.test import Client

from refsync.cli import cli, syncing
from refsync.sync import sandbox
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.consents import Consents
from refsync.sync.sandbox.database import Database
from tests.exchanges import body, compare, exchanges, named

CASES = exchanges("desktop*.yaml")
KNOWN = {"as", "said", "pause", "ask", "key", "body", "repeat", "long", "headers"}
KNOWN |= {"status", "dropped", "version", "answer", "failed", "count", "text", "shown", "keep"}
HOST = "http://127.0.0.1:80"


class Visitor:
    """One who asks a desktop in memory, a minute after the other step unless `pause` says how long."""

    def __init__(self, database: Database) -> None:
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.said: Any = "deny"
        self.consents = Consents(database, lambda: self.clock, lambda app: self.said)
        self.consents.remember("KEY", "refsync")
        self.consents.lend("ONCE")
        self.names = {"SERVER": self.consents.known_as("server"), "HOST": HOST.removesuffix(":80")}
        self.accounts = Accounts(database=database, now=lambda: self.clock)
        self.client = Client(sandbox.Desktop(self.accounts, self.consents))

    def does(self, step: dict[str, Any]) -> None:
        """Asks, and checks the answer."""
        assert step.keys() <= KNOWN, step.keys() - KNOWN
        step = json.loads(named(self.names, json.dumps(step)))
        if "as" in step:
            self.client = Client(sandbox.Desktop(self.accounts, self.consents, **step["as"]))
        self.said = step.get("said", self.said)
        method, path = step["ask"]
        headers = {"Zotero-API-Key": step.get("key", "KEY")} if method != "GET" else {}
        headers |= {"Zotero-Server-ID": self.names["SERVER"]} if method != "GET" else {}
        headers = {name: value for name, value in {**headers, **step.get("headers", {})}.items() if value is not None}
        asked = {"method": method, "headers": headers, "data": body(step)}
        if step.get("dropped"):
            with pytest.raises(ConnectionAbortedError):
                self.client.open(path, HOST, **asked)
            return
        answer = self.client.open(path, HOST, **asked)
        text = answer.get_data(as_text=True)
        assert answer.status_code == step["status"], text
        if "version" in step:
            assert answer.headers.get("Last-Modified-Version") == str(step["version"])
        assert {name: answer.headers.get(name) for name in step.get("shown", {})} == step.get("shown", {})
        assert step.get("text", "") in text
        if {"answer", "failed", "count", "keep"} & step.keys():
            compare(step, json.loads(text), self.names)


@pytest.mark.parametrize("steps", CASES)
def test_exchanges(steps: list[dict[str, Any]]) -> None:
    with Database.opened(None) as database:
        visitor = Visitor(database)
        for number, step in enumerate(steps):
            visitor.clock += timedelta(minutes=step.get("pause", 1) if number else 0)
            visitor.does(step)


def known(server: sandbox.Server) -> dict[str, str]:
    """The header that names the desktop."""
    return {"Zotero-Server-ID": requests.get(f"{server.url}/", timeout=60).headers["Zotero-Server-ID"]}


def test_the_file_keeps_who_it_is_and_whom_it_let_in(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    asked = []
    with sandbox.serving(path) as server:
        web = {"Zotero-API-Key": server.key}
        items = [{"itemType": "book"}]
        assert requests.post(f"{server.url}/users/1/items", json=items, headers=web, timeout=60).json()["success"]
    with sandbox.serving(path, desktop=True, consent=lambda app: asked.append(app) or "always") as server:
        assert server.url.endswith("/api") and (server.user, server.key) == (0, "")
        head = known(server)
        address = f"{server.url}/local/authorize"
        key = requests.post(address, json={"appName": "refsync"}, headers=head, timeout=60).json()["key"]
        assert asked == ["refsync"] and len(key) == 32 and len(head["Zotero-Server-ID"]) == 12
        head["Zotero-API-Key"] = key
        items = [{"itemType": "book", "title": "A"}]
        assert requests.post(f"{server.url}/users/0/items", json=items, headers=head, timeout=60).json()["success"]
    with sandbox.serving(path, desktop=True) as server:
        assert known(server)["Zotero-Server-ID"] == head["Zotero-Server-ID"]
        items = [{"itemType": "book", "title": "B"}]
        assert requests.post(f"{server.url}/users/0/items", json=items, headers=head, timeout=60).json()["success"]
        found = requests.get(f"{server.url}/users/0/items", timeout=60)
        assert {one["data"]["title"] for one in found.json()} == {"A", "B"}
        assert found.json()[0]["links"]["self"]["href"].startswith(server.url.replace("127.0.0.1", "localhost"))
    with sandbox.serving(path) as server:
        found = requests.get(f"{server.url}/users/1/items", headers=web, timeout=60)
        assert (len(found.json()), found.headers["Last-Modified-Version"]) == (1, "2")


def test_a_page_of_the_web_gets_no_answer() -> None:
    with sandbox.serving(desktop=True) as server, pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/", headers={"User-Agent": "Mozilla/5.0"}, timeout=60)


def test_a_client_that_others_wrote_finds_its_way() -> None:
    from pyzotero.zotero import Zotero

    with sandbox.serving(desktop=True, consent=lambda app: "always") as server:
        client = Zotero("0", "user", local=True)
        client.endpoint = server.url
        client.authorize_local("refsync")
        assert client.create_items([{"itemType": "preprint", "title": "Attention"}])["failed"] == {}
        (found,) = client.everything(client.top())
        found["data"]["title"] = "Attention Is All You Need"
        assert client.update_item(found) and client.item(found["key"])["version"] == 2
        assert client.delete_item(client.item(found["key"])) and client.top() == []


def test_the_command_tells_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(syncing, "_wait", ended)
    done = CliRunner().invoke(cli, ["sandbox", str(tmp_path / "library.sqlite"), "--desktop"])
    assert done.exit_code == 0 and done.stdout.startswith("http://127.0.0.1:") and done.stdout.endswith("/api/\n")
