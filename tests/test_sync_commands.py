"""The commands that concern a library, as a person types them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest
import requests
from click.testing import CliRunner, Result

from refsync.cli import cli
from refsync.sync import sandbox
from tests.conftest import EXAMPLE
from tests.test_sync_faults import refusing

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, with state and cache of its own."""
    monkeypatch.setenv("REFSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("ZOTERO_API_KEY", "ZOTERO_API_URL"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(EXAMPLE, tmp_path / "list")
    shutil.copytree(EXAMPLE.parent / "latex", tmp_path / "latex")
    return tmp_path / "list"


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(one) for one in words])
    assert result.exit_code == code, result.output
    return result


def value(*words: object, code: int = 0) -> dict[str, Any]:
    return dict(json.loads(run(*words, "--json", code=code).stdout))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[sandbox.Server]:
    """A library that is somebody's own, at another server."""
    with sandbox.serving(None) as one:
        monkeypatch.setenv("ZOTERO_API_URL", one.url)
        monkeypatch.setenv("ZOTERO_API_KEY", one.key)
        yield one


def test_the_example_is_a_tree_and_the_second_run_does_nothing(folder: Path) -> None:
    first = run("sync", folder)
    assert "Pruning for Vision Transformers  14" in first.stdout
    assert "160 created" in first.stderr
    assert "refsync undo 1" in first.stderr
    second = value("sync", folder)
    assert (second["changes"], second["requests"], second["run"]) == ([], {"read": 1, "write": 0}, None)
    assert second["counts"]["unchanged"] == 160
    assert run("sync", folder, "--check").exit_code == 0


def test_the_json_is_that_of_the_contract(folder: Path) -> None:
    found = value("sync", folder)
    assert set(found) >= {"run", "library", "dry_run", "changes", "counts", "requests", "seconds"}
    assert found["library"]["kind"] == "sandbox"
    assert set(found["library"]) == {"kind", "id", "name"}
    assert set(found["counts"]) == {"create", "update", "remove", "conflict", "skip", "unchanged"}
    assert found["requests"]["read"] <= 4
    assert found["requests"]["write"] <= 6
    one = next(one for one in found["changes"] if one["key"] == "tang2022patch")
    assert (one["sign"], one["what"], one["fields"]["title"][0]) == ("+", "item", None)


def test_dry_run_writes_nothing_at_all(folder: Path) -> None:
    before = files(folder.parent)
    found = value("sync", folder, "--dry-run")
    assert found["dry_run"] is True
    assert found["counts"]["create"] == 160
    run("sync", folder, "--check", code=3)
    assert files(folder.parent) == before


@pytest.mark.parametrize("was", ["empty", "a library", "not there"])
def test_what_only_shows_writes_to_no_sandbox(was: str, folder: Path) -> None:
    file = folder.parent / "mine.sqlite"
    if was == "empty":
        file.touch()
    elif was == "a library":
        with sandbox.serving(file):
            pass
    before = files(folder.parent)
    for words in (("sync", folder, "--dry-run"), ("status", folder)):
        assert "160 created" in run(*words, "--library", f"sandbox:{file}").output
    run("sync", folder, "--check", "--library", f"sandbox:{file}", code=3)
    assert files(folder.parent) == before


def test_nothing_that_only_shows_leaves_a_file(folder: Path) -> None:
    run("sync", folder)
    before = files(folder.parent)
    for words in (
        ("sync", folder, "--dry-run"),
        ("sync", folder, "--check"),
        ("status", folder),
        ("undo", "--dry-run"),
    ):
        run(*words)
    assert files(folder.parent) == before


@pytest.mark.parametrize("name", ["", "   ", "\u00a0", "\u200b"])
def test_a_collection_without_a_name_is_told(name: str, folder: Path) -> None:
    (folder / "refsync.yaml").write_text(f"zotero: {{collection: {json.dumps(name)}}}\n", encoding="utf-8")
    assert "is no name of a collection" in run("sync", folder, code=1).stderr


def test_a_collection_that_is_there_twice_is_told(folder: Path, server: sandbox.Server) -> None:
    (folder / "refsync.yaml").write_text("zotero: {library: user, collection: Survey}\n", encoding="utf-8")
    url, access = f"{server.url}/users/{server.user}/collections", {"Zotero-API-Key": server.key}
    requests.post(url, json=[{"name": "Survey"}, {"name": "Survey "}], headers=access, timeout=5)
    for words in (("--yes",), ("--dry-run",)):
        said = run("sync", folder, *words, code=4).stderr
        assert "2 collections at the top are called 'Survey'. Nothing was written. Rename" in said
    first, second = requests.get(url, headers=access, timeout=5).json()
    requests.delete(
        f"{url}/{second['key']}", headers={**access, "If-Unmodified-Since-Version": str(second["version"])}, timeout=5
    )
    run("sync", folder, "--yes")
    (root,) = requests.get(f"{url}/top", headers=access, timeout=5).json()
    assert (root["key"], root["meta"]["numCollections"] > 0) == (first["key"], True)
    shutil.rmtree(folder.parent / "state")
    assert value("sync", folder, "--yes")["changes"] == []


def test_undo_and_status(folder: Path) -> None:
    run("sync", folder)
    assert "last sync  run 1" in run("status", folder).stdout
    assert "160 would be taken back" in run("undo", "--dry-run").stderr
    assert "160 taken back" in run("undo").stderr
    assert "taken back" in run("status", folder).stdout
    assert "nothing was synced that could be taken back" in run("undo", code=1).stderr
    assert "was taken back already" in run("undo", "1", code=1).stderr
    assert "no run" in run("undo", "7", code=2).stderr or "is not known" in run("undo", "7", code=2).stderr
    run("sync", folder)
    assert value("sync", folder)["changes"] == []


def test_undo_does_not_touch_another_library(
    folder: Path, server: sandbox.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sync", folder, "--library", "user")
    with sandbox.serving(None) as other:
        monkeypatch.setenv("ZOTERO_API_URL", other.url)
        monkeypatch.setenv("ZOTERO_API_KEY", other.key)
        run("sync", folder, "--library", "user")
        assert "Nothing was written" in run("undo", "1", code=4).stderr
        assert "160 taken back" in run("undo", "2").stderr


def test_a_sandbox_of_ones_own_is_found_again_from_another_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    run("sync", "--library", "sandbox:mine.sqlite")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "160 taken back" in run("undo").stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_damaged_journal_is_told(folder: Path) -> None:
    run("sync", folder)
    journal = folder.parent / "state" / "runs" / "1.jsonl"
    journal.write_text("broken\n", encoding="utf-8")
    assert "is damaged" in run("undo", "1", code=1).stderr


GONE: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "settings broken": lambda folder: (folder / "refsync.yaml").write_text("zotero: [", encoding="utf-8"),
    "no list in it": lambda folder: [path.unlink() for path in folder.glob("*.md")],
}


@pytest.mark.parametrize("state", ["local", "folder"])
@pytest.mark.parametrize("name", GONE)
def test_undo_needs_no_folder(name: str, state: str, folder: Path) -> None:
    (folder / "refsync.yaml").write_text(f"zotero: {{state: {state}}}\n", encoding="utf-8")
    run("sync", folder)
    GONE[name](folder)
    was_there = folder.exists()
    assert "160 taken back" in run("undo").stderr
    assert folder.exists() == was_there
    assert "was taken back already" in run("undo", "1", code=1).stderr


def test_undo_of_a_run_of_old_reads_its_folder(folder: Path) -> None:
    run("sync", folder)
    journal = folder.parent / "state" / "runs" / "1.jsonl"
    head, _, deeds = journal.read_text(encoding="utf-8").partition("\n")
    old = {name: one for name, one in json.loads(head).items() if name not in {"catalog", "base"}}
    journal.write_text(f"{json.dumps(old)}\n{deeds}", encoding="utf-8")
    assert "160 taken back" in run("undo").stderr


def test_what_the_library_refuses_to_take_back_is_told_and_can_be_taken_back_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: set[str] = set()
    with sandbox.serving(None, middleware=refusing(keys, 400)) as server:
        monkeypatch.setenv("ZOTERO_API_URL", server.url)
        monkeypatch.setenv("ZOTERO_API_KEY", server.key)
        made = value("sync", folder, "--library", "user")["changes"]
        keys.add(next(one["zotero_key"] for one in made if one["key"] == "tang2022patch"))
        said = run("undo", code=1).stderr
        assert "item tang2022patch: Bad <value> (400)" in said
        assert "Again: refsync undo 1" in said
        assert "taken back" not in run("status", folder, "--library", "user").stdout
        keys.clear()
        assert "taken back" in run("undo").stderr
        assert "(taken back)" in run("status", folder, "--library", "user").stdout


def test_what_is_left_out_because_its_collection_was_refused_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: set[str] = set()
    with sandbox.serving(None, middleware=refusing(keys, 400)) as server:
        monkeypatch.setenv("ZOTERO_API_URL", server.url)
        monkeypatch.setenv("ZOTERO_API_KEY", server.key)
        planned = value("sync", folder, "--library", "user", "--dry-run")["changes"]
        root = next(one for one in planned if one["what"] == "collection")
        keys.add(root["zotero_key"])
        found = value("sync", folder, "--library", "user", code=1)
        collections = sum(one["what"] == "collection" for one in planned)
        assert len(found["refused"]) == len(planned)
        assert found["refused"]["item tang2022patch"] == "not written: its collection was refused"
        assert sum("the collection above it was refused" in why for why in found["refused"].values()) == collections - 1
        keys.clear()
        assert value("sync", folder, "--library", "user")["refused"] == {}
        assert value("sync", folder, "--library", "user")["changes"] == []


def test_a_library_of_ones_own_is_written_only_when_it_is_named(folder: Path, server: sandbox.Server) -> None:
    run("sync", folder)
    assert value("sync", folder, "--library", "user", "--dry-run")["counts"]["create"] == 160
    found = value("sync", folder, "--library", "user")
    assert found["counts"]["create"] == 160
    assert found["library"] == {"kind": "user", "id": str(server.user), "name": found["library"]["name"]}
    assert value("sync", folder, "--library", "user")["requests"] == {"read": 1, "write": 0}


def test_keys_that_go_into_a_library_are_final(folder: Path, server: sandbox.Server) -> None:
    def provisional() -> int:
        return (folder / "catalog.yaml").read_text(encoding="utf-8").count("key: {by: provisional}")

    run("build", folder)
    before = provisional()
    assert before
    run("sync", folder)
    assert provisional() == before, "the sandbox is for trying out"
    run("sync", folder, "--library", "user")
    assert provisional() == 0


def test_the_base_may_lie_beside_the_catalog(folder: Path, server: sandbox.Server) -> None:
    (folder / "refsync.yaml").write_text("zotero: {library: user, state: folder}\n", encoding="utf-8")
    run("sync", folder)
    (base,) = folder.glob(f"zotero-users-{server.user}*.jsonl")
    rows = base.read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 160
    assert server.key not in base.read_text(encoding="utf-8")
    before = base.read_bytes()
    assert value("sync", folder)["changes"] == []
    assert base.read_bytes() == before


@pytest.mark.parametrize("spec", ["nowhere", "group:x", "group:²", "group:٣", "sandbox:", "user:1"])
def test_what_is_no_library_is_told(spec: str, folder: Path) -> None:
    result = run("sync", folder, "--library", spec, code=2)
    assert "is no library" in result.stderr


def test_a_library_without_a_key_is_told(folder: Path) -> None:
    result = run("sync", folder, "--library", "user", code=1)
    assert "needs a key" in result.stderr
    assert "refsync login" in result.stderr


# ---------------------------------------------------------------------------------------------------------------
# Keys


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    one = Ring()
    keyring.set_keyring(one)
    yield one
    keyring.set_keyring(before)


def test_login_keeps_a_key_that_sync_then_uses_and_logout_forgets_it(
    folder: Path, server: sandbox.Server, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOTERO_API_KEY")
    monkeypatch.setattr("webbrowser.open", lambda address: requests.get(address, timeout=5))
    monkeypatch.setattr("refsync.sync.login._PAUSE", 0.05)
    shown = run("login").output
    (key,) = ring.kept.values()
    assert list(ring.kept) == [("refsync", server.url)]
    assert key not in shown
    assert value("sync", folder, "--library", "user")["counts"]["create"] == 160
    monkeypatch.setenv("ZOTERO_API_URL", "http://127.0.0.1:9")
    assert "needs a key" in run("sync", folder, "--library", "user", code=1).stderr, "the key is of one server"
    monkeypatch.setenv("ZOTERO_API_URL", server.url)
    run("logout")
    assert not ring.kept
    assert "needs a key" in run("sync", folder, "--library", "user", code=1).stderr


def test_login_where_there_is_none_says_what_to_do(folder: Path, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOTERO_API_URL", "http://127.0.0.1:9")
    said = run("login", code=1).stderr
    assert "offers no login" in said
    assert "ZOTERO_API_KEY" in said
