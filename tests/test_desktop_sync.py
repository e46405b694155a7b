"""A sync straight into the Zotero that runs here: when it writes, what it asks, and what it makes of a key that it did not choose."""

from __future__ import annotations

import io
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner, Result
from werkzeug.test import run_wsgi_app

from refsync.cli import cli
from refsync.model import Failure, Person
from refsync.settings import Settings, Zotero
from refsync.sync import desktop, places, sandbox
from refsync.sync.desired import ROOT, desired
from refsync.sync.given import Given
from refsync.sync.permission import EXPLAINED
from refsync.sync.seen import client_key
from tests.desktop import DesktopWorld, world_of
from tests.faults import Middleware
from tests.library import TABLES, catalog, differences, entry, world
from tests.test_sync_commands import Ring

ID = "0123456789abcdef"
LINKED = Settings(zotero=Zotero(links=True))
SUGGESTED = "refsync sync --library desktop"
ONE = entry(
    "one", topics=("a", "b"), tags=("nlp", "fast"), ids={"doi": "10.1234/one"}, links={"code": "https://a.test/1"}
)
TWO = entry("two", topics=("c",), ids={"arxiv": "2101.00002"}, links={"code": "https://a.test/2"})
LIST = catalog(ONE, TWO)
TEXT = """# A List

## Models

- **A Study of One in Large Networks**, ICML 2021. [[paper](https://arxiv.org/abs/2101.00001)]
- **A Study of Two in Large Networks**, ICML 2021. [[paper](https://arxiv.org/abs/2101.00002)]
"""


def name(what: str, id: str) -> str:
    return client_key(ID, what, id)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[DesktopWorld]:
    with world_of("desktop", tmp_path, settings=LINKED) as one:
        assert isinstance(one, DesktopWorld)
        yield one


# ---------------------------------------------------------------------------------------------------------------
# As a person types it


class Desk:
    """A folder with a list, a Zotero that runs, and what its person clicks when they are asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.state = folder / "list", folder / "state"
        self.patch = monkeypatch
        self.said: Any = "always"
        self.asked: list[str] = []
        self.server: sandbox.Server
        monkeypatch.setenv("REFSYNC_STATE_DIR", str(self.state))
        monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / "cache"))
        for one in ("ZOTERO_API_KEY", "ZOTERO_API_URL"):
            monkeypatch.delenv(one, raising=False)
        self.another("list")

    def another(self, called: str) -> Path:
        folder = self.state.parent / called
        folder.mkdir()
        (folder / "README.md").write_text(TEXT.replace("A List", f"The {called}"), encoding="utf-8")
        return folder

    def consent(self, app: str) -> Any:
        self.asked.append(app)
        return self.said

    @contextmanager
    def zotero(self, path: Path | None = None, **how: Any) -> Iterator[sandbox.Server]:
        with sandbox.serving(path, desktop=True, consent=self.consent, **how) as server:
            self.patch.setenv(desktop.VARIABLE, server.url)
            yield server

    def run(self, *words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, [str(one) for one in words])
        assert result.exit_code == code, result.output
        for key in self.keys():
            assert key not in result.output
        return result

    def sync(self, *words: str, code: int = 0, folder: Path | None = None) -> Result:
        return self.run("sync", folder or self.folder, *words, code=code)

    def keys(self) -> list[str]:
        file = self.state / "desktop-keys.json"
        return list(json.loads(file.read_text()).values()) if file.exists() else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def count(server: sandbox.Server) -> int:
    import requests

    return len(requests.get(f"{server.url}/users/0/items", timeout=60).json())


def test_it_is_written_only_when_it_is_named(desk: Desk) -> None:
    with desk.zotero() as server:
        said = desk.sync().stderr
        assert said.count(SUGGESTED) == 1 and [SUGGESTED in one for one in said.splitlines()].count(True) == 1
        assert (count(server), desk.asked) == (0, [])
        assert SUGGESTED not in desk.sync("--library", "sandbox").stderr
        assert SUGGESTED not in desk.sync("--library", "desktop").stderr
        assert (count(server), desk.asked) == (2, ["refsync"])
        # "Always Allow" was clicked for one folder: another one writes nowhere that it does not name.
        other = desk.another("other")
        assert SUGGESTED in desk.sync("--yes", folder=other).stderr
        assert count(server) == 2
        (other / "refsync.yaml").write_text("zotero: {library: desktop}\n", encoding="utf-8")
        desk.sync("--yes", folder=other)
        assert desk.asked == ["refsync"], "asked once, for all folders"
        assert json.loads(desk.sync("--json", folder=other).stdout)["changes"] == []


def test_who_named_no_library_is_not_kept_waiting(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        desk.patch.setenv(desktop.VARIABLE, f"http://127.0.0.1:{silent.getsockname()[1]}/api")
        assert SUGGESTED not in desk.sync().stderr
    desk.patch.setenv(desktop.VARIABLE, "")
    assert SUGGESTED not in desk.sync().stderr
    with desk.zotero(reads_only=True):
        assert SUGGESTED not in desk.sync().stderr
    with desk.zotero(enabled=False):
        assert f"`{SUGGESTED}` writes into its library once you switch on Settings > Advanced" in desk.sync().stderr


def test_permission_is_explained_then_asked_once(desk: Desk) -> None:
    with desk.zotero() as server:
        before = {path: path.read_bytes() for path in desk.state.parent.rglob("*") if path.is_file()}
        said = desk.sync("--library", "desktop", "--dry-run")
        assert "2 items" not in said.stderr and desk.asked == []
        assert before == {path: path.read_bytes() for path in desk.state.parent.rglob("*") if path.is_file()}
        first = desk.sync("--library", "desktop")
        assert first.stderr.count(EXPLAINED) == 1
        assert EXPLAINED not in desk.sync("--library", "desktop").stderr
        (desk.folder / "README.md").write_text(TEXT.replace("2021", "2022"), encoding="utf-8")
        desk.sync("--library", "desktop")
        assert desk.asked == ["refsync"]
        (key,) = desk.keys()
        assert (desk.state / "desktop-keys.json").stat().st_mode & 0o777 == 0o600
        for path in desk.state.parent.rglob("*"):
            assert not path.is_file() or path.name == "desktop-keys.json" or key.encode() not in path.read_bytes(), path
        assert server.key == ""


def test_where_there_is_a_keyring_it_has_the_key(desk: Desk) -> None:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    try:
        with desk.zotero(desk.state.parent / "zotero.sqlite"):
            desk.sync("--library", "desktop")
        assert desk.keys() == [] and len(ring.kept) == 1
        with desk.zotero(desk.state.parent / "zotero.sqlite"):
            (desk.folder / "README.md").write_text(TEXT.replace("2021", "2022"), encoding="utf-8")
            desk.sync("--library", "desktop")
        assert desk.asked == ["refsync"]
    finally:
        keyring.set_keyring(before)


def revoke(server: sandbox.Server) -> None:
    server.accounts.database.run("delete from remembered")


def test_a_key_that_was_taken_back_is_asked_for_once_more(desk: Desk) -> None:
    with desk.zotero() as server:
        desk.sync("--library", "desktop")
        (old,) = desk.keys()
        revoke(server)
        (desk.folder / "README.md").write_text(TEXT.replace("2021", "2022"), encoding="utf-8")
        said = desk.sync("--library", "desktop").stderr
        assert (len(desk.asked), said.count(EXPLAINED)) == (2, 1)
        (new,) = desk.keys()
        assert new != old
        assert json.loads(desk.sync("--library", "desktop", "--json").stdout)["changes"] == []
        revoke(server)
        desk.said = "deny"
        (desk.folder / "README.md").write_text(TEXT.replace("2021", "2020"), encoding="utf-8")
        desk.sync("--library", "desktop", code=1)
        assert (len(desk.asked), desk.keys()) == (3, [])


@pytest.mark.parametrize(
    "said, words, written",
    [
        pytest.param("deny", "does not let refsync write: that was denied", False, id="deny"),
        pytest.param("once", "lets refsync write for a single request only", True, id="allow, each time"),
    ],
)
def test_what_a_person_may_click_instead(said: str, words: str, written: bool, desk: Desk) -> None:
    with desk.zotero() as server:
        desk.said = said
        told = desk.sync("--library", "desktop", code=1).stderr.splitlines()
        assert words in told[-1] and told[-1].startswith("refsync: Zotero: ")
        assert len(desk.asked) == (2 if written else 1)
        desk.said = "always"
        desk.sync("--library", "desktop", "--yes")
        assert count(server) == 2
        assert json.loads(desk.sync("--library", "desktop", "--json").stdout)["changes"] == []


CLOSED = [
    pytest.param({"reads_only": True}, "Update it to Zotero 10", id="an older Zotero"),
    pytest.param({"enabled": False}, "Allow other applications on this computer", id="the API is off"),
    pytest.param(None, "is not running. Start it", id="it is not running"),
]


@pytest.mark.parametrize("how, words", CLOSED)
def test_a_zotero_that_cannot_be_written_says_what_to_click(how: Any, words: str, desk: Desk) -> None:
    if how is None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        desk.patch.setenv(desktop.VARIABLE, f"http://127.0.0.1:{port}/api")
        told = desk.sync("--library", "desktop", code=1).stderr.splitlines()
    else:
        with desk.zotero(**how):
            told = desk.sync("--library", "desktop", code=1).stderr.splitlines()
    lines = [one for one in told if one.startswith("refsync: ")]
    assert len(lines) == 1 and words in lines[0] and desk.asked == []
    # The way out that it names is one.
    command = lines[0].partition("`refsync ")[2].partition("`")[0].split()
    desk.patch.chdir(desk.folder)
    desk.run(*command)
    assert "A Study of One" in (desk.folder / command[2]).read_text(encoding="utf-8")


@pytest.mark.parametrize("url", ["http://example.org/api", "https://127.0.0.1/api", "http://[", "ftp://127.0.0.1", "x"])
def test_the_address_is_one_of_this_machine(url: str, desk: Desk) -> None:
    desk.patch.setenv(desktop.VARIABLE, url)
    assert "is no address on this machine" in desk.sync("--library", "desktop", code=1).stderr
    assert SUGGESTED not in desk.sync().stderr


def test_what_answers_there_may_be_something_else(desk: Desk) -> None:
    with sandbox.serving(None) as server:
        desk.patch.setenv(desktop.VARIABLE, f"{server.url}/nowhere")
        told = desk.sync("--library", "desktop", code=1).stderr
        assert "gives an answer that is not Zotero's (404)" in told


def test_the_summary_tells_what_has_no_file_and_how_to_get_it(desk: Desk) -> None:
    with desk.zotero() as server:
        assert (
            "2 items have no file: in Zotero, select them, right-click, Find Full Text"
            in desk.sync("--library", "desktop").stderr
        )
        assert "have no file" not in desk.sync("--library", "sandbox").stderr
        assert "have no file" not in desk.sync("--library", "desktop", "--dry-run").stderr
        assert server.user == 0


def test_undo_and_status_know_it(desk: Desk) -> None:
    with desk.zotero() as server:
        found = json.loads(desk.sync("--library", "desktop", "--json").stdout)
        assert found["library"]["kind"] == "desktop"
        assert "nothing to do" in desk.run("status", desk.folder, "--library", "desktop").stdout
        desk.run("undo")
        assert count(server) == 0
    with desk.zotero():  # another database: another Zotero-Server-ID
        told = desk.run("undo", found["run"], code=1)
        assert "was taken back already" in told.stderr
        desk.sync("--library", "desktop", "--yes")
    with desk.zotero():
        assert "Start Zotero with the profile" in desk.run("undo", code=4).stderr


def test_keys_that_are_told_are_those_of_the_library(desk: Desk) -> None:
    import requests

    with desk.zotero() as server:
        planned = json.loads(desk.sync("--library", "desktop", "--dry-run", "--json").stdout)["changes"]
        assert {one["zotero_key"] for one in planned} == {""}, "nobody knows them yet"
        made = json.loads(desk.sync("--library", "desktop", "--json").stdout)["changes"]
        known = {
            one["key"] for what in ("items", "collections")
            for one in requests.get(f"{server.url}/users/0/{what}", timeout=60).json()
        }  # fmt: skip
        assert {one["zotero_key"] for one in made} == known


# ---------------------------------------------------------------------------------------------------------------
# The same library


def content(there: Any) -> list[Any]:
    """What a library holds, without keys: each collection by its path, each item with its fields, collections, tags, links."""
    shelves, items = there.all("collections"), there.all("items")

    def path(key: str) -> str:
        data = shelves[key]
        above = f"{path(data['parentCollection'])} > " if data["parentCollection"] else ""
        return f"{above}{data['name']}"

    def fields(data: dict[str, Any]) -> dict[str, Any]:
        left = {"key", "version", "dateAdded", "dateModified", "collections", "tags", "parentItem", "relations"}
        return {one: value for one, value in data.items() if one not in left and value not in ("", [], {})}

    out: list[Any] = sorted(path(key) for key in shelves)
    for key, data in sorted(items.items(), key=lambda pair: str(pair[1].get("citationKey"))):
        if data.get("parentItem"):
            continue
        links = [fields(one) for one in items.values() if one.get("parentItem") == key]
        places = sorted(path(one) for one in data["collections"])
        out.append([fields(data), places, sorted(one["tag"] for one in data["tags"]), sorted(links, key=str)])
    return out


@pytest.mark.parametrize("is_fixed", [False, True], ids=["it gives keys", "it takes keys"])
def test_the_desktop_and_the_server_hold_the_same(is_fixed: bool, tmp_path: Path) -> None:
    from tests.faults import FIRST, SETTINGS, wanted

    listed = wanted(FIRST)
    with (
        world(tmp_path / "web", settings=SETTINGS) as web,
        world_of("desktop", tmp_path, settings=SETTINGS, is_fixed=is_fixed) as there,
    ):
        web.sync(listed)
        there.sync(listed)
        ours, theirs = content(there), content(web)
        assert len(ours) == len(theirs) > 150
        for one, other in zip(ours, theirs, strict=True):
            assert one == other
        assert differences(there, listed) == []


# ---------------------------------------------------------------------------------------------------------------
# Keys that it gives


def test_the_keys_are_known_at_once_and_kept_by_server_id(there: DesktopWorld, tmp_path: Path) -> None:
    there.sync(LIST)
    file = places.given_path(tmp_path, there.place.owner(""))
    given = Given(file)
    given.load()
    assert given.open == {} and len(given.keys) == 4 + 2 + 2
    assert set(given.keys.values()).isdisjoint(given.keys)
    assert json.loads(there.files(ID).base.read_text().splitlines()[0])["server"] == there.place.server
    again = there.sync(LIST)
    assert (again.writes, again.plan.changes) == (0, ())


def test_what_the_zotero_takes_is_tried_once(tmp_path: Path) -> None:
    for is_fixed, tries in ((False, 1), (True, 0)):
        middleware = Middleware()
        folder = tmp_path / str(is_fixed)
        folder.mkdir()
        with world_of("desktop", folder, middleware, is_fixed=is_fixed, settings=LINKED) as there:
            assert isinstance(there, DesktopWorld)
            middleware.arm(None)
            there.sync(LIST)
            posts = [one for one in middleware.calls if one.startswith("POST")]
            # The question, a try, a request a level of collections, the items, the links.
            assert len(posts) == 1 + tries + 3 + 2 if not is_fixed else 1 + 2 + 2, posts
            keys = there.given.keys
            assert (keys == {}) is is_fixed
            more = entry("three", links={"code": "https://a.test/3"})
            middleware.arm(None)
            there.sync(catalog(ONE, TWO, more))
            assert [one for one in middleware.calls if one.startswith("POST")] == ["POST items"] * 2
            assert differences(there, desired(catalog(ONE, TWO, more), TABLES, LINKED)) == []


class Deaf:
    """The answer to the `at`-th write is lost, once it is done; `when` a person has done something meanwhile."""

    def __init__(self, at: int, then: Callable[[], None] = lambda: None) -> None:
        self.left, self.then = at, then

    def __call__(self, app: Any) -> Any:
        def answer(environ: Any, start: Any) -> Any:
            if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"].endswith("authorize"):
                return app(environ, start)
            self.left -= 1
            if self.left != 0:
                return app(environ, start)
            list(app(environ, start))
            self.then()
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError

        return answer


class Lost(Deaf):
    """The `at`-th write never arrives, and a person does something before the next."""

    def __call__(self, app: Any) -> Any:
        def answer(environ: Any, start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "POST" and not environ["PATH_INFO"].endswith("authorize"):
                self.left -= 1
                if self.left == 0:
                    self.then()
                    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                    raise ConnectionAbortedError
            return app(environ, start)

        return answer


class Late(Deaf):
    """The `at`-th write arrives when the client has given it up, right before its next one."""

    def __call__(self, app: Any) -> Any:
        held: list[tuple[Any, bytes]] = []

        def answer(environ: Any, start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "POST" and not environ["PATH_INFO"].endswith("authorize"):
                self.left -= 1
                if self.left == 0:
                    held.append((dict(environ), environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
                    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                    raise ConnectionAbortedError
                for sent, body in [held.pop()] if held else []:
                    run_wsgi_app(app, {**sent, "wsgi.input": io.BytesIO(body)}, buffered=True)
            return app(environ, start)

        return answer


def raw(there: DesktopWorld, what: str) -> list[dict[str, Any]]:
    """What the library holds, by the desktop's own keys, without looking at what refsync knows."""
    import requests

    return [one["data"] for one in requests.get(f"{there.window.url}/users/0/{what}", timeout=60).json()]


def retitle(there: DesktopWorld) -> None:
    """A person gives what has just arrived another title."""
    import requests

    for one in raw(there, "items"):
        if one.get("citationKey"):
            head = {"Zotero-API-Key": there.window.key, "Zotero-Server-ID": there.id}
            head["If-Unmodified-Since-Version"] = str(one["version"])
            url = f"{there.window.url}/users/0/items/{one['key']}"
            done = requests.patch(url, json={"title": "Mine", "tags": []}, headers=head, timeout=60)
            assert done.status_code == 204, done.text


@pytest.mark.parametrize("how", [Deaf, Late, Lost])
@pytest.mark.parametrize("at", range(2, 7), ids=["root", "topics", "inner topics", "items", "links"])
def test_an_answer_that_is_lost_makes_nothing_twice(at: int, how: type[Deaf], tmp_path: Path) -> None:
    with world_of("desktop", tmp_path, how(at), settings=LINKED) as there:
        report = there.sync(LIST)
        assert (report.refused, len(there.all("items")), len(there.all("collections"))) == ({}, 4, 4)
        assert differences(there, desired(LIST, TABLES, LINKED)) == []
        base = places.base_path(tmp_path / "a", there.place.owner(ID), None).read_text()
        assert '"adopted"' not in base, "it is refsync's own"
        assert there.sync(LIST).plan.changes == ()
        there.undo(ID, report.run or 0)
        assert [one for one in there.all("items").values() if not one.get("deleted")] == []
        assert there.all("collections") == {}


def test_what_a_person_did_meanwhile_is_theirs(tmp_path: Path) -> None:
    world_in = world_of("desktop", tmp_path, deaf := Deaf(5), settings=LINKED)
    with world_in as there:
        assert isinstance(there, DesktopWorld)
        deaf.then = lambda: retitle(there)
        there.sync(LIST)
        items = [one for one in there.all("items").values() if one.get("citationKey")]
        assert [(one["title"], one["tags"]) for one in items] == [("Mine", [])] * 2
        assert {one["key"] for one in items} == {name("item", "one"), name("item", "two")}
        assert there.sync(LIST).plan.changes == ()


def test_a_persons_own_item_of_the_same_work_is_not_taken_for_ours(tmp_path: Path) -> None:
    def add() -> None:
        there.call("POST", "items", [{**work, "key": "MYDWN222", "version": 0}])

    work = {"itemType": "journalArticle", "title": ONE.title, "DOI": "10.1234/one", "language": "de"}
    with world_of("desktop", tmp_path, Lost(5, add), settings=LINKED) as there:
        there.sync(catalog(), is_forced=True)
        there.sync(LIST)
        assert there.all("items")["MYDWN222"]["language"] == "de"
        assert name("item", "one") not in there.all("items")
        assert there.sync(LIST).plan.changes == ()


LOSSES = {
    "the keys": lambda there, state: places.given_path(state, there.place.owner("")).unlink(),
    "the base": lambda there, state: there.files(ID).base.unlink(),
    "both": lambda there, state: (
        places.given_path(state, there.place.owner("")).unlink(),
        there.files(ID).base.unlink(),
        there.files(ID).mirror.unlink(),
    ),
}


@pytest.mark.parametrize("what", LOSSES)
def test_what_refsync_forgot_is_recognised(what: str, there: DesktopWorld, tmp_path: Path) -> None:
    there.sync(LIST)
    there.edit("items", name("item", "two"), tags=[{"tag": "mine"}])
    held = sorted(json.dumps(one, sort_keys=True) for what in ("items", "collections") for one in raw(there, what))
    LOSSES[what](there, tmp_path)
    report = there.sync(LIST)
    assert report.plan.changes == () and report.writes == 0
    assert held == sorted(
        json.dumps(one, sort_keys=True) for what in ("items", "collections") for one in raw(there, what)
    )
    assert there.given.keys[name("collection", ROOT)] and there.given.keys[name("item", "one")]
    there.sync(catalog(ONE, TWO, entry("three")))
    assert len(there.all("items")) == 5 and len(there.all("collections")) == 4


def test_a_persons_collection_of_the_lists_name_is_not_ours(there: DesktopWorld) -> None:
    there.add("collections", {"key": "MYSHELF2", "version": 0, "name": "A List", "parentCollection": False})
    there.sync(LIST)
    assert there.all("collections")["MYSHELF2"]["name"] == "A List"
    assert len(there.all("collections")) == 5
    there.sync(catalog())
    assert "MYSHELF2" in there.all("collections")


def test_another_database_is_another_library(tmp_path: Path) -> None:
    for file in ("one.sqlite", "other.sqlite"):
        with world_of("desktop", tmp_path, path=tmp_path / file, settings=LINKED) as there:
            assert there.sync(LIST).plan.counts["create"] == 4 + 2 + 2
            assert there.sync(LIST).plan.changes == ()
    assert len(list((tmp_path / "desktop").glob("*.jsonl"))) == 2
    assert len(list((tmp_path / "a" / "bases").glob("*.jsonl"))) == 2


def test_a_failure_shows_no_key(tmp_path: Path) -> None:
    with world_of("desktop", tmp_path, settings=LINKED) as there:
        assert isinstance(there, DesktopWorld)
        there.sync(LIST)
        key = there.secret
        with there.library() as library:
            assert key not in repr(library) and key not in str(vars(library))
    with pytest.raises(Failure) as caught, there.library():
        pass
    assert key not in str(caught.value)


def test_what_the_desktop_took_the_server_takes_too(there: DesktopWorld, tmp_path: Path) -> None:
    people = (Person(family="F" * 300, given="G" * 300), Person(literal="L" * 300))
    links = {"L" * 300: "https://a.test/1", "code": f"https://a.test/{'x' * 70_000}"}
    more = {"authors": people, "tags": ("t" * 300, "fine"), "abstract": "ä" * 40_000, "links": links}
    wanted = desired(catalog(entry("one", **more), topics={"a": "N" * 300}), TABLES, LINKED)
    assert len(wanted.problems) == 4
    there.sync(wanted)
    with world(tmp_path / "web") as web:
        for what in ("collections", "items"):
            held = sorted(there.all(what).values(), key=lambda one: "parentCollection" in one or "parentItem" in one)
            for one in held:
                sent = {**{name: value for name, value in one.items() if value}, "version": 0}
                assert web.call("POST", what, [sent]).json()["failed"] == {}


def test_a_library_that_was_put_back_from_a_copy(tmp_path: Path) -> None:
    file, copy = tmp_path / "library.sqlite", tmp_path / "copy.sqlite"
    with world_of("desktop", tmp_path, path=file, settings=LINKED) as there:
        there.sync(catalog(ONE))
    shutil.copy(file, copy)
    with world_of("desktop", tmp_path, path=file, settings=LINKED) as there:
        there.sync(LIST)
    shutil.copy(copy, file)
    with world_of("desktop", tmp_path, path=file, settings=LINKED) as there:
        report = there.sync(LIST)
        assert "older than at the last sync" in report.notes[0]
        assert differences(there, desired(LIST, TABLES, LINKED)) == []
        assert there.sync(LIST).plan.changes == ()


def test_a_line_that_was_cut_off_costs_only_itself(there: DesktopWorld, tmp_path: Path) -> None:
    there.sync(LIST)
    file = places.given_path(tmp_path, there.place.owner(""))
    with file.open("ab") as out:
        out.write(b'{"given": {"AAAAAAAA"')
    assert there.sync(LIST).plan.changes == ()
    longer = catalog(ONE, TWO, entry("three"))
    there.sync(longer)
    assert differences(there, desired(longer, TABLES, LINKED)) == []
    assert there.sync(longer).plan.changes == ()


@pytest.mark.parametrize("what", ["root", "topic", "moved", "half", "retired"])
def test_what_a_person_moved_is_found_again_when_all_keys_are_lost(what: str, tmp_path: Path) -> None:
    names = ("one", "two", "three", "four")
    whole = catalog(*(entry(name, topics=("a" if name in {"one", "two"} else "c",)) for name in names))
    with world_of("desktop", tmp_path) as there:
        there.sync(whole)
        listed = whole
        if what == "root":
            there.edit("collections", client_key(whole.id, "collection", ""), name="My Own Name")
        elif what == "topic":
            there.edit("collections", client_key(whole.id, "collection", "a"), name="My Own Name")
        elif what == "moved":
            (mine,) = there.add("collections", {"name": "Mine"})
            there.edit("items", client_key(whole.id, "item", "one"), collections=[mine])
        elif what == "retired":
            listed = catalog(*whole.entries[:-1])
        there.sync(listed)
        path = places.given_path(there.folder, there.place.owner(""))
        if what == "half":
            path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:3]) + b"\n")
        else:
            path.unlink()
        assert there.sync(whole if what == "retired" else listed).plan.counts["create"] == 0
        there.sync(whole, restore=True)
        items = [one["citationKey"] for one in there.all("items").values() if not one.get("deleted")]
        assert sorted(items) == sorted(names)
        assert there.sync(whole).plan.changes == ()
