"""What a sync does when anything fails: the server, the way to it, the key, this process, another one, a person meanwhile."""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from refsync.cli import cli
from refsync.model import Date, Failure
from refsync.settings import Settings
from refsync.sync import apply as applying
from refsync.sync import places, sandbox
from refsync.sync.desired import desired
from refsync.sync.seen import client_key
from refsync.sync.transport import Patience, Transport
from refsync.sync.zotero import Library
from tests.conftest import ROOT
from tests.desktop import KINDS
from tests.faults import CHANGES, FAULTS, FIRST, SMALL, Fault, Ground, Middleware, ground, kind_of, tried
from tests.library import TABLES, World, catalog, differences, entry, world

MOST = 16  # entries
ID = "0123456789abcdef"
LIST = """# A List

## Models

- **A Study of One in Large Networks**, ICML 2021. [[paper](https://arxiv.org/abs/2101.00001)]
- **A Study of Two in Large Networks**, ICML 2021. [[paper](https://arxiv.org/abs/2101.00002)]

### Small Ones

- **A Study of Three in Small Networks**, ICML 2022. [[paper](https://arxiv.org/abs/2101.00003)]
"""


@pytest.fixture(scope="module", params=KINDS)
def grounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ground]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(applying, "WRITTEN", SMALL)
        yield {one: ground(one, tmp_path_factory.mktemp(one), MOST, request.param) for one in (FIRST, CHANGES)}


def places_of(fault: Fault, ground: Ground) -> list[int]:
    """The first, the middle and the last request that can fail so."""
    able = [at for at, one in enumerate(ground.requests, 1) if kind_of(*f"{one} ".split(" ")[:2]) in fault.befalls]
    return sorted({able[0], able[len(able) // 2], able[-1]})


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_one_more_run_makes_all_well(fault: Fault, grounds: dict[str, Ground]) -> None:
    wrong = [
        f"{fault.name} at {at}: {one}"
        for at in places_of(fault, grounds[CHANGES])
        for one in tried(grounds[CHANGES], fault, at).wrong
    ]
    at = places_of(fault, grounds[FIRST])[-1]
    assert wrong + tried(grounds[FIRST], fault, at).wrong == []


def refusing(keys: set[str], code: int) -> Callable[[Any], Any]:
    """A server that refuses these objects each time."""

    def middleware(app: Any) -> Any:
        def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            import io

            if environ["REQUEST_METHOD"] != "POST":
                return app(environ, start_response)  # type: ignore[no-any-return]
            objects = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            odd = [at for at, one in enumerate(objects) if one["key"] in keys]
            data = json.dumps([{"bad": 1} if at in odd else one for at, one in enumerate(objects)]).encode()
            inner = {**environ, "wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))}
            pieces, status, headers = run_wsgi_app(app, inner, buffered=True)
            report = json.loads(b"".join(pieces))
            for at in odd:
                report["failed"][str(at)] = {"key": objects[at]["key"], "code": code, "message": "Bad &lt;value&gt;"}
            body = json.dumps(report).encode()
            kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
            start_response(status, [*kept, ("Content-Length", str(len(body)))])
            return [body]

        return serve

    return middleware


ENTRIES = catalog(
    entry("one", topics=("a", "c"), links={"code": "https://a.test/c"}), entry("two", topics=("b",)), entry("three", topics=("c",))
)  # fmt: skip


@pytest.mark.parametrize("code", [400, 413])
@pytest.mark.parametrize(
    ("what", "id", "missing"),
    [("item", "one", {"one"}), ("collection", "b", {"two"}), ("attachment", "one code", set())],
)
def test_what_is_refused_for_good_is_told_and_the_rest_written(
    what: str, id: str, missing: set[str], code: int, tmp_path: Path
) -> None:
    from refsync.settings import Zotero

    keys = {client_key(ID, what, id)}
    with world(tmp_path, refusing(keys, code), settings=Settings(zotero=Zotero(links=True))) as there:
        for _ in range(2):
            report = there.sync(ENTRIES)
            assert report.refused == {(what, id): f"Bad <value> ({code})"}
            items = there.all("items")
            assert {one.key for one in ENTRIES.entries if client_key(ID, "item", one.key) not in items} == missing
        keys.clear()
        assert there.sync(ENTRIES).refused == {}
        assert differences(there, desired(ENTRIES, TABLES, there.settings)) == []
        assert there.sync(ENTRIES).writes == 0


def test_retry_after_and_backoff_are_waited_for(tmp_path: Path) -> None:
    counted = Middleware()
    waits: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    def run(fault: Fault) -> list[float]:
        waits.clear()
        counted.arm(fault, 1)
        transport = Transport(there.server.url, Patience(), sleep=sleep, now=lambda: clock[0])
        with places.opened(
            "user",
            state=tmp_path / fault.name,
            environment={"ZOTERO_API_URL": there.server.url, "ZOTERO_API_KEY": there.server.key},
            transport_of=lambda *_: transport,
        ) as (_, library):
            library.seen()
        return [round(one, 3) for one in waits]

    def said(status: str, **headers: str) -> Fault:
        return Fault(name=f"{status}{headers}", act=lambda call: call.say(status, "no", **headers))

    with world(tmp_path, counted) as there:
        assert run(said("429 TOO MANY REQUESTS", Retry_After="17")) == [17]
        assert run(said("503 SERVICE UNAVAILABLE", Retry_After="9")) == [9]
        assert run(said("503 SERVICE UNAVAILABLE")) == [1]
        assert run(next(one for one in FAULTS if one.name == "Backoff on a success")) == [2]
        with pytest.raises(Failure, match="60 minutes"):
            run(said("503 SERVICE UNAVAILABLE", Retry_After="3600"))
        assert waits == []


def test_a_library_that_is_forgotten_leaves_the_connection_to_others(tmp_path: Path) -> None:
    with world(tmp_path) as there, there.library() as library:
        closed: list[bool] = []
        library.transport._inner.close = lambda: closed.append(True)  # type: ignore[method-assign]
        Library(there.server.url, "users/0", there.server.key, library.transport).rights()
        gc.collect()
        assert closed == []


# ---------------------------------------------------------------------------------------------------------------
# Bad places, through the command line


@dataclass
class Told:
    """What a command said, and where it keeps what it knows."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A person's folder with a list, and where refsync keeps what it knows for that person."""

    folder: Path
    keys: set[str] = field(default_factory=set)

    def begun(self, *command: str, **given: str) -> subprocess.Popen[str]:
        """A refsync process."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ZOTERO_", "REFSYNC_", "PYTHON"))
        }
        here = {"REFSYNC_STATE_DIR": str(self.folder / "state"), "REFSYNC_CACHE_DIR": str(self.folder / "cache")}
        self.keys.add(given.get("ZOTERO_API_KEY", "").strip())
        return subprocess.Popen(
            [sys.executable, "-m", "refsync", *command], cwd=self.folder / "list", env={**kept, **here, **given},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def run(self, *command: str, **given: str) -> Told:
        """A refsync command from beginning to end, in this process."""
        self.keys.add(given.get("ZOTERO_API_KEY", "").strip())
        here = {"REFSYNC_STATE_DIR": str(self.folder / "state"), "REFSYNC_CACHE_DIR": str(self.folder / "cache")}
        others = {name: None for name in os.environ if name.startswith(("ZOTERO_", "REFSYNC_"))}
        with chdir(self.folder / "list"):
            result = CliRunner().invoke(cli, command, env={**others, **here, **given})
        odd = result.exc_info if not isinstance(result.exception, SystemExit) else None
        trace = "".join(traceback.format_exception(*odd)) if result.exception and odd else ""
        return Told(result.exit_code, result.stdout, result.stderr + trace)

    def leaks(self, *told: Told) -> list[str]:
        """Where a key can be read."""
        secret = [one.encode() for one in self.keys if one]
        texts = {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        texts |= {
            "stdout": "".join(one.out for one in told).encode(),
            "stderr": "".join(one.err for one in told).encode(),
        }
        return [name for name, text in texts.items() if any(one in text for one in secret)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "README.md").write_text(LIST, encoding="utf-8")
    return Desk(tmp_path)


@pytest.fixture
def server() -> Iterator[sandbox.Server]:
    with sandbox.serving() as one:
        yield one


def refused(desk: Desk, told: Told, *words: str, code: int = 1) -> None:
    """One clear line, the exit code, no key anywhere."""
    assert told.code == code, told
    lines = [one for one in told.err.splitlines() if one.startswith("refsync:")]
    assert len(lines) == 1 and told.err.splitlines()[-1] == lines[0], told.err
    assert all(word in lines[0] for word in words), lines[0]
    assert "Traceback" not in told.err and told.out == ""
    assert desk.leaks(told) == []


BAD_KEYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "read-only": ({"write": False}, "user", "the key is read-only"),
    "no notes": ({"notes": False}, "user", "may not see notes"),
    "no library": ({"library": False}, "user", "may not read the user's library"),
    "no groups": ({"groups": {}}, "group:7", "may not read the group 7"),
    "group without write": ({"groups": {"7": False}}, "group:7", "may not write to the group 7"),
    "unknown group": ({}, "group:99", "has no such library"),
    "not a member": ({}, "group:8", "refuses"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_may_not(name: str, server: sandbox.Server, desk: Desk) -> None:
    access, spec, words = BAD_KEYS[name]
    server.accounts.add_group("Ours", server.user, group=7)
    server.accounts.add_group("Theirs", server.accounts.add_user("other", "Other"), group=8)
    key = server.accounts.add_key(server.user, **access)
    told = desk.run("sync", "--library", spec, ZOTERO_API_URL=server.url, ZOTERO_API_KEY=key)
    refused(desk, told, words)
    assert {one.version for one in server.accounts.groups()} == {1}


def test_rights_that_are_given_later_are_seen(server: sandbox.Server, desk: Desk) -> None:
    access = {"ZOTERO_API_URL": server.url, "ZOTERO_API_KEY": server.accounts.add_key(server.user, write=False)}
    refused(desk, desk.run("sync", "--library", "user", **access), "read-only")
    server.accounts.drop_key(access["ZOTERO_API_KEY"])
    server.accounts.add_key(server.user, access["ZOTERO_API_KEY"])
    told = desk.run("sync", "--library", "user", **access)
    assert (told.code, desk.leaks(told)) == (0, [])
    server.accounts.drop_key(access["ZOTERO_API_KEY"])
    refused(desk, desk.run("sync", "--library", "user", **access), "refuses the key", "Invalid key")


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[str]]]:
    """(a web server that answers so, the headers of what it was asked)."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path}\n{self.headers}")
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


KEY = "abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_never_carries_the_key_away(status: int, desk: Desk) -> None:
    with answering(200, b"{}") as (other, heard), answering(status, Location=f"{other}/keys/current") as (url, asked):
        told = desk.run("sync", "--library", "user", ZOTERO_API_URL=url, ZOTERO_API_KEY=KEY)
    refused(desk, told, "sends to another address")
    assert asked and heard == []
    assert KEY not in asked[0].splitlines()[0], "an address is logged by whoever is on the way"


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"<html>Welcome</html>", {}, "not as a Zotero server does"),
        (b'{"ok": true}', {"Content_Type": "application/json"}, "not as a Zotero server does"),
        (b'{"ok": true}', {"Zotero_API_Version": "3"}, "an answer that is not Zotero's"),
        (b"[]", {"Zotero_API_Version": "3"}, "an answer that is not Zotero's"),
    ],
)
def test_a_server_that_is_no_zotero(body: bytes, headers: dict[str, str], words: str, desk: Desk) -> None:
    with answering(200, body, **headers) as (url, _):
        refused(desk, desk.run("sync", "--library", "user", ZOTERO_API_URL=url, ZOTERO_API_KEY=KEY), words)
    assert not (desk.folder / "state" / "rights.json").exists(), "what nobody said is not remembered"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


BAD_ADDRESSES = {
    "http://127.0.0.1:{closed}": "cannot be reached",
    "https://127.0.0.1:{plain}": "cannot be trusted",
    "http://zotero.example": "would carry the key unencrypted",
    "http://192.0.2.1/zotero": "would carry the key unencrypted",
    "http://[::1": "is no address",
    "http://127.0.0.1:99999": "is no address",
    "ftp://127.0.0.1": "is no address",
    "nonsense": "is no address",
    "https://me:{key}@127.0.0.1:{closed}": "is no address",
}


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_address_where_nothing_is(address: str, server: sandbox.Server, desk: Desk) -> None:
    url = address.format(closed=closed_port(), plain=server.url.rpartition(":")[2], key=KEY)
    start = time.monotonic()
    told = desk.run("sync", "--library", "user", ZOTERO_API_URL=url, ZOTERO_API_KEY=KEY)
    refused(desk, told, BAD_ADDRESSES[address])
    assert time.monotonic() - start < 20


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate")
def test_a_certificate_that_nobody_has_signed(desk: Desk, tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    heard: list[Any] = []
    server = make_server("127.0.0.1", 0, lambda *asked: heard.append(asked) or [], ssl_context=context)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        url = f"https://127.0.0.1:{server.port}"
        told = desk.run("sync", "--library", "user", ZOTERO_API_URL=url, ZOTERO_API_KEY=KEY)
    finally:
        server.shutdown()
        server.server_close()
    refused(desk, told, "cannot be trusted")
    assert heard == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "needs a key"),
        ("zzzzzzzzzzzzzzzzzzzzzzzz", "Invalid key"),
        ("abcdefghijkl\nmnopqrstuvwx", "is no key"),
        ("abcdefghijklmnopqrstuvé", "is no key"),
    ],
)
def test_a_key_that_is_none(key: str, words: str, server: sandbox.Server, desk: Desk) -> None:
    told = desk.run("sync", "--library", "user", ZOTERO_API_URL=server.url, ZOTERO_API_KEY=key)
    refused(desk, told, words)


def test_a_key_with_a_line_end_serves_and_is_written_nowhere(server: sandbox.Server, desk: Desk) -> None:
    access = {"ZOTERO_API_URL": server.url, "ZOTERO_API_KEY": f"{server.key}\r\n"}
    commands = (
        ["sync", "--library", "user"], ["sync", "--library", "user", "--json"], ["status", "--library", "user"], ["undo"],
    )  # fmt: skip
    told = [desk.run(*one, **access) for one in commands]
    assert [one.code for one in told] == [0] * 4, told
    assert desk.leaks(*told) == []


@pytest.mark.parametrize("spec", ["users", "group:", "group:x", "user:1", "", "sandboxes", "https://api.zotero.org"])
def test_a_spec_that_names_no_library(spec: str, server: sandbox.Server, desk: Desk) -> None:
    if spec == "":
        spec = " "
    told = desk.run("sync", "--library", spec, ZOTERO_API_URL=server.url, ZOTERO_API_KEY=server.key)
    refused(desk, told, "is no library", code=2)


def test_a_failure_that_nobody_foresaw_shows_no_key(tmp_path: Path) -> None:
    with world(tmp_path) as there, pytest.raises(RuntimeError) as caught:

        def broken(*_: Any) -> Any:
            raise RuntimeError("broken")

        with places.opened(
            "user",
            state=tmp_path,
            environment={"ZOTERO_API_URL": there.server.url, "ZOTERO_API_KEY": there.server.key},
        ) as (place, library):
            assert there.server.key not in f"{place!r} {place.as_json()} {library!r} {library.transport!r}"
            library.transport._inner.handle_request = broken  # type: ignore[method-assign]
            library.seen()
    assert there.server.key not in "".join(traceback.format_exception(caught.value))


# ---------------------------------------------------------------------------------------------------------------
# Others at the same library


def slow(app: Any) -> Any:
    """A server that takes a moment, so that two clients take turns."""

    def serve(environ: Any, start_response: Any) -> Any:
        time.sleep(0.03)
        return app(environ, start_response)

    return serve


@pytest.mark.parametrize("is_same", [True, False], ids=["same state", "different states"])
def test_two_processes_at_once(is_same: bool, tmp_path: Path) -> None:
    works = "".join(
        f"- **A Study of {at} in Large Networks**, ICML 2021. [[paper](https://arxiv.org/abs/2101.{at:05}), "
        f"[code](https://a.test/{at})]\n"
        for at in range(1, 131)
    )
    desks = []
    for name in ("a",) if is_same else ("a", "b"):
        folder = tmp_path / name / "list"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(f"# A List\n\n## Models\n\n{works}", encoding="utf-8")
        (folder / "refsync.yaml").write_text("zotero: {links: true}\n", encoding="utf-8")
        desks.append(Desk(tmp_path / name))
    with sandbox.serving(middleware=slow) as server:
        access = {"ZOTERO_API_URL": server.url, "ZOTERO_API_KEY": server.key}
        command = ("sync", "--library", "user", "--yes")
        processes = [one.begun(*command, **access) for one in (desks * 2)[:2]]
        said = [one.communicate(timeout=100)[1] for one in processes]
        assert [one.returncode for one in processes] == [0, 0], said
        there = World(server=server, folder=tmp_path)
        items, collections = there.all("items"), there.all("collections")
        papers = [one for one in items.values() if one["itemType"] != "attachment"]
        assert (len(papers), len({one["citationKey"] for one in papers}), len(collections)) == (130, 130, 2)
        links = [one for one in items.values() if one["itemType"] == "attachment"]
        assert len(links) == len({(one["parentItem"], one["title"]) for one in links}) > 0
        for one in desks:
            told = json.loads(one.run(*command, "--json", **access).out)
            assert (told["changes"], told["requests"]["write"]) == ([], 0)


@dataclass
class Person:
    """Writes into the library just before the `at`-th request of a sync, once."""

    at: int
    write: Callable[[], None] = lambda: None
    seen: int = -1

    def __call__(self, app: Any) -> Any:
        def serve(environ: Any, start_response: Any) -> Any:
            if self.seen >= 0:
                self.seen += 1
                if self.seen == self.at:
                    self.seen = -1
                    self.write()
            return app(environ, start_response)

        return serve


def test_a_library_that_is_written_to_all_the_while_is_read(tmp_path: Path) -> None:
    person = Busy()
    with world(tmp_path, person) as there:
        there.add("items", *({"itemType": "book", "title": f"Book {at}"} for at in range(450)))
        person.write, person.left = (lambda: there.add("items", MINE)), 8
        with there.library() as library:
            seen = library.seen()
        assert (len(seen.items), seen.version, person.left) == (458, there.version, 0)


@dataclass
class Busy:
    """Writes into the library before each of the next `left` requests that read items."""

    write: Callable[[], Any] = lambda: None
    left: int = 0
    is_mine: bool = False

    def __call__(self, app: Any) -> Any:
        def serve(environ: Any, start_response: Any) -> Any:
            if self.left and not self.is_mine and "itemKey=" in environ["QUERY_STRING"]:
                self.left, self.is_mine = self.left - 1, True
                self.write()
                self.is_mine = False
            return app(environ, start_response)

        return serve


MINE = {"itemType": "book", "title": "A Book of Mine", "tags": [{"tag": "mine"}]}


@pytest.mark.parametrize(
    ("is_first", "at"), [*((True, at) for at in range(1, 6)), *((False, at) for at in range(1, 4))]
)
def test_a_person_writes_during_the_run(is_first: bool, at: int, tmp_path: Path) -> None:
    many = catalog(*(entry(f"e{one}", topics=("abc"[one % 3],)) for one in range(60)))
    last = entry("e59", topics=("b",), title="As the List Calls it Now")
    changed = catalog(*(replace(one, date=Date(year=1999)) for one in many.entries[:55]), *many.entries[55:59], last)
    wanted = desired(many if is_first else changed, TABLES, Settings())
    own = client_key(ID, "item", "e59")
    person = Person(at)
    with world(tmp_path, person) as there:

        def write() -> None:
            there.add("items", MINE)
            there.add("collections", {"name": "Mine"})
            if own in there.all("items"):
                there.edit("items", own, title="As I Call It", tags=[{"tag": "mine"}])

        person.write = write
        if not is_first:
            there.sync(many)
        person.seen = 0
        there.sync(wanted)
        assert person.seen == -1, "the run had fewer requests"
        items = there.all("items")
        (book,) = [one for one in items.values() if one["title"] == MINE["title"]]
        assert book["tags"] == MINE["tags"] and book["collections"] == []
        touched = items[own]["title"] == "As I Call It"
        told = differences(there, wanted)
        odd = [one for one in told if "Mine" not in one and not (touched and one.startswith("item e59"))]
        assert odd == []
        assert len(items) == 61
        if touched:
            assert {"tag": "mine"} in items[own]["tags"]
        again = there.sync(wanted)
        assert (again.writes, again.plan.changes) == (0, ())


def test_the_command_knows_its_faults() -> None:
    command = [sys.executable, "-m", "tests.faults", "no such fault"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "cut before the commit" in done.stderr
