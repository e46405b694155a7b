"""The sandbox: exchanges of tests/cases/sandbox/, and its file under several threads, processes and sudden ends."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.test import Client

from refsync.model import Failure
from refsync.sync import sandbox
from refsync.sync.itemtypes import item_types
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.database import Database, NoShelf
from tests.conftest import ROOT, SHARED
from tests.exchanges import body, compare, exchanges, named

CASES = [one for one in exchanges("*.yaml") if not str(one.id).startswith("desktop")]
KNOWN = {"ask", "key", "body", "repeat", "long", "headers"}
KNOWN |= {"status", "version", "answer", "failed", "keys", "count", "text", "shown", "keep"}


class Visitor:
    """One who asks a sandbox in memory, a minute after the other step. Names of steps stand for what was kept of answers."""

    def __init__(self, accounts: Accounts) -> None:
        user, key = accounts.first()
        other = accounts.add_user("other", "Other", 2)
        accounts.add_group("Ours", user, group=1)
        accounts.add_group("Theirs", other, group=2)
        accounts.add_group("Everybody's", other, public=True, group=3)
        self.names = {
            "~": f"/users/{user}",
            "FULL": key,
            "READ": accounts.add_key(user, write=False),
            "NONOTES": accounts.add_key(user, notes=False),
            "GROUPS": accounts.add_key(user, library=False),
        }
        self.client = Client(sandbox.Sandbox(accounts))

    def does(self, step: dict[str, Any]) -> None:
        """Asks, and checks the answer."""
        assert step.keys() <= KNOWN, step.keys() - KNOWN
        method, path = step["ask"]
        headers = dict(step.get("headers", {}))
        if (key := step.get("key", "FULL")) is not None:
            headers["Zotero-API-Key"] = named(self.names, key)
        answer = self.client.open(named(self.names, path), method=method, headers=headers, data=body(step))
        text = answer.get_data(as_text=True)
        assert answer.status_code == step["status"], text
        version = answer.headers.get("Last-Modified-Version")
        assert version == (step.get("version") and str(step["version"])) or "version" not in step, version
        for name, value in step.get("shown", {}).items():
            assert answer.headers[name] == value.replace("HOST", "http://localhost")
        assert step.get("text", "") in text
        if "keys" in step:
            assert text.split() == step["keys"]
        if {"answer", "failed", "count", "keep"} & step.keys():
            compare(step, json.loads(text), self.names)


@pytest.mark.parametrize("steps", CASES)
def test_exchanges(steps: list[dict[str, Any]]) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with Database.opened(None) as database:
        visitor = Visitor(Accounts(database=database, now=lambda: clock[0]))
        for number, step in enumerate(steps):
            clock[0] = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
            visitor.does(step)


# ------------------------------------------------------------------------------------------------------------------
# Over the loopback


def posted(server: sandbox.Server, items: list[dict[str, Any]], **headers: str) -> requests.Response:
    """The answer to a write of items into the user's library."""
    head = {"Zotero-API-Key": server.key, **headers}
    return requests.post(f"{server.url}/users/{server.user}/items", json=items, headers=head, timeout=60)


def versions(server: sandbox.Server) -> tuple[int, dict[str, int]]:
    """(version of the library, those of its items)."""
    address = f"{server.url}/users/{server.user}/items?format=versions"
    answer = requests.get(address, headers={"Zotero-API-Key": server.key}, timeout=60)
    return int(answer.headers["Last-Modified-Version"]), answer.json()


def test_the_file_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    with sandbox.serving(path) as server:
        first = (server.key, server.user)
        assert len(server.key) == 24 and server.url.startswith("http://127.0.0.1:")
        items = [{"key": f"AAAA222{n}", "version": 0, "itemType": "book", "title": str(n)} for n in (2, 3, 4)]
        items[1]["deleted"] = 1
        assert posted(server, items).json()["failed"] == {}
        head = {"Zotero-API-Key": server.key, "If-Unmodified-Since-Version": "4"}
        address = f"{server.url}/users/1/items/AAAA2224"
        assert requests.delete(address, headers=head, timeout=60).status_code == 204
    with sandbox.serving(path) as server:
        assert (server.key, server.user) == first
        assert versions(server) == (5, {"AAAA2222": 2})
        head = {"Zotero-API-Key": server.key}
        trash = requests.get(f"{server.url}/users/1/items/trash?format=keys", headers=head, timeout=60)
        gone = requests.get(f"{server.url}/users/1/deleted?since=0", headers=head, timeout=60)
        assert (trash.text.split(), gone.json()["items"]) == (["AAAA2223"], ["AAAA2224"])


def test_a_client_that_others_wrote_finds_its_way() -> None:
    from pyzotero.zotero import Zotero

    with sandbox.serving() as server:
        client = Zotero(str(server.user), "user", server.key)
        client.endpoint = server.url
        item = {**client.item_template("preprint"), "title": "Attention"}
        assert client.create_items([item])["failed"] == {}
        collection = client.create_collections([{"name": "A"}])["success"]["0"]
        assert client.addto_collection(collection, client.top()[0])
        (found,) = client.everything(client.collection_items(collection))
        assert found["data"]["title"] == "Attention" and client.item_versions() == {found["key"]: 4}
        assert client.delete_item(found) and client.deleted(since=0)["items"] == [found["key"]]


def test_middleware_makes_it_fail() -> None:
    def down(app: Any) -> Any:
        def answered(environ: Any, start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "POST":
                start("503 Service Unavailable", [("Retry-After", "1")])
                return [b""]
            return app(environ, start)

        return answered

    with sandbox.serving(middleware=down) as server:
        assert posted(server, [{"itemType": "book"}]).status_code == 503
        assert versions(server) == (1, {})


def test_only_this_machine_is_answered() -> None:
    with sandbox.serving() as server:
        head = {"Zotero-API-Key": server.key, "Host": "example.org"}
        assert requests.get(f"{server.url}/keys/current", headers=head, timeout=60).status_code == 400
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(Failure, match="cannot be served"), sandbox.serving(port=port):
            pass


def test_threads_never_share_a_version(tmp_path: Path) -> None:
    with sandbox.serving(tmp_path / "library.sqlite") as server, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: posted(server, [{"itemType": "book"}] * 10), range(6)))
        taken = [one["version"] for answer in answers for one in answer.json()["successful"].values()]
        assert sorted(taken) == list(range(2, 62))
        assert versions(server)[0] == 61


WRITER = """
import sys
from pathlib import Path
import requests
from refsync.model import Failure
from refsync.sync import sandbox
with sandbox.serving(Path(sys.argv[1])) as server:
    for _ in range(int(sys.argv[2])):
        head = {"Zotero-API-Key": server.key}
        answer = requests.post(f"{server.url}/users/1/items", json=[{"itemType": "book"}] * 20, headers=head, timeout=60)
        print(*(one["version"] for one in answer.json()["successful"].values()), flush=True)
"""


def writer(path: Path, writes: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(writes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    running = [writer(path, 3), writer(path, 3)]  # both make the file
    told = [process.communicate(timeout=120) for process in running]
    assert [err for _, err in told] == ["", ""]
    assert sorted(int(number) for out, _ in told for number in out.split()) == list(range(2, 122))
    with sandbox.serving(path) as server:
        assert versions(server)[0] == 121 and len(versions(server)[1]) == 120


def test_a_sudden_end_loses_nothing_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    process = writer(path, 10_000)
    assert process.stdout is not None
    said = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    said += [number for number in process.communicate(timeout=60)[0].split() if number]
    with sandbox.serving(path) as server:
        version, found = versions(server)
        assert {int(number) for number in said} <= set(found.values())
        assert sorted(found.values()) == list(range(2, version + 1))  # no object without its version, and none twice
        assert posted(server, [{"itemType": "book"}]).json()["successful"]["0"]["version"] == version + 1


def test_a_strange_file_is_left_alone(tmp_path: Path) -> None:
    text, strange, damaged, newer = (tmp_path / name for name in ("a.txt", "b.sqlite", "c.sqlite", "d.sqlite"))
    text.write_text("Not a database.\n" * 500, encoding="utf-8")
    with sqlite3.connect(strange) as base:
        base.execute("create table items(a)")
    base.close()
    with sandbox.serving(damaged) as server:
        posted(server, [{"itemType": "book", "title": "x" * 5000}] * 40)
    newer.write_bytes(damaged.read_bytes())
    data = bytearray(damaged.read_bytes())
    data[4096 : len(data) // 2] = b"\x7f" * (len(data) // 2 - 4096)
    damaged.write_bytes(data)
    with newer.open("r+b") as file:
        file.seek(60)
        file.write((99).to_bytes(4, "big"))
    for path, why in ((text, "no library"), (strange, "no library"), (damaged, "is damaged"), (newer, "newer refsync")):
        before = path.read_bytes()
        with pytest.raises(NoShelf, match=why) as failure, sandbox.serving(path):
            pass
        assert str(path) in str(failure.value) and path.read_bytes() == before
    with pytest.raises(NoShelf, match="cannot be opened"), sandbox.serving(tmp_path / "missing" / "a.sqlite"):
        pass
    with pytest.raises(NoShelf, match="cannot be opened"), sandbox.serving(tmp_path):
        pass


def test_the_table_of_types_is_what_the_tool_makes() -> None:
    schema = SHARED / "zotero" / "schema.json"
    if not schema.is_file():
        pytest.skip("Zotero's schema (../shared/zotero/schema.json) is not here")
    command = [sys.executable, "tools/item_types.py", str(schema)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    assert made == (ROOT / "mappings" / "itemtypes.yaml").read_text(encoding="utf-8")


def test_the_table_of_types_is_whole() -> None:
    types = item_types()
    for name, row in types.types.items():
        assert {*row.fields, *row.base.values()} <= types.fields.keys(), name
        assert set(row.creators) <= types.creators.keys() and row.base.keys() <= set(row.fields), name
