"""What refsync keeps about a library, damaged: one line says so, or it is as if the line had not been written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refsync import documents
from refsync.model import Failure
from refsync.sync import run
from refsync.sync.given import Given
from refsync.sync.mirror import Mirror
from refsync.sync.seen import Seen
from tests.library import World, catalog, entry, world

LIST = catalog(entry("one"), entry("two", topics=("b",)))
HEAD = {"server": "https://a.test", "library": "users/1", "catalog": LIST.id, "refsync": 1, "version": 3}
ROW = {"what": "item", "id": "one", "key": "ABCD2345"}
NOT_ROWS: dict[str, Any] = {
    "a number": 7,
    "a list": [ROW],
    "nothing in it": {},
    "what is a number": {**ROW, "what": 5},
    "what is unknown": {**ROW, "what": "shelf"},
    "id is a list": {**ROW, "id": ["one"]},
    "key is a number": {**ROW, "key": 5},
    "fields is a list": {**ROW, "fields": ["title"]},
    "creators is a number": {**ROW, "fields": {"creators": 5}},
    "creators is a text": {**ROW, "fields": {"creators": "Ann"}},
    "itemType is a list": {**ROW, "fields": {"itemType": []}},
    "tags is a number": {**ROW, "tags": 5},
    "a tag is a number": {**ROW, "tags": [5]},
    "collections is a mapping": {**ROW, "collections": {"A": 1}},
    "told is a text": {**ROW, "told": "yes"},
    "gone is a list": {**ROW, "gone": [1]},
}
HEADS: dict[str, tuple[Any, str]] = {
    "newer": ({**HEAD, "refsync": 99}, "was written by a newer refsync. Upgrade"),
    "newer, and otherwise": ({"refsync": 2, "owner": ["x"]}, "was written by a newer refsync. Upgrade"),
    "no format": ({name: one for name, one in HEAD.items() if name != "refsync"}, ":1: is damaged"),
    "format is a text": ({**HEAD, "refsync": "1"}, ":1: is damaged"),
    "format is 0": ({**HEAD, "refsync": 0}, ":1: is damaged"),
    "version is a text": ({**HEAD, "version": "three"}, ":1: is damaged"),
    "server is a number": ({**HEAD, "server": 5}, ":1: is damaged"),
    "a list": ([HEAD], ":1: is damaged"),
}
RAW = {
    "cut in a letter": b'{"pending": {"what": "item", "id": "one", "key": "A", "gone": "\xc3',
    "zeros": b"\0" * 40,
    "bottomless": b"[" * 100_000,
    "text": b"pending",
}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    """A library that the list has been synced into, as run 1."""
    with world(tmp_path) as one:
        assert one.sync(LIST).run == 1
        yield one


def base(there: World) -> Path:
    return there.files(LIST.id).base


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def refused(there: World, what: str) -> None:
    before, version = base(there).read_bytes(), there.version
    with pytest.raises(Failure) as caught:
        there.sync(LIST)
    assert what in str(caught.value.problem)
    assert str(base(there)) in caught.value.problem.where
    assert "\n" not in str(caught.value.problem)
    assert (base(there).read_bytes(), there.version) == (before, version)


@pytest.mark.parametrize("name", HEADS)
def test_a_base_whose_first_line_is_none(name: str, there: World) -> None:
    value, what = HEADS[name]
    rows = base(there).read_bytes().partition(b"\n")[2]
    base(there).write_bytes(line(value) + rows)
    refused(there, what)


@pytest.mark.parametrize("name", NOT_ROWS)
def test_a_base_with_a_line_that_is_none(name: str, there: World) -> None:
    head, _, rows = base(there).read_bytes().partition(b"\n")
    base(there).write_bytes(head + b"\n\n" + line(NOT_ROWS[name]) + rows)
    refused(there, ":3: is damaged")


@pytest.mark.parametrize("name", RAW)
def test_a_base_with_a_line_that_is_no_json(name: str, there: World) -> None:
    lines = base(there).read_bytes().count(b"\n")
    with base(there).open("ab") as file:
        file.write(RAW[name])
    refused(there, f":{lines + 1}: is damaged")


def test_an_empty_base(there: World) -> None:
    base(there).write_bytes(b"")
    refused(there, ":1: is damaged")


LOG = {
    **{f"{step}, {name}": line({step: one}) for step in ("pending", "written") for name, one in NOT_ROWS.items()},
    **{f"{step} is {one}": line({step: one}) for step in ("dropped", "forgotten") for one in (5, [], ["item"], [5, 5], "it", {"item": 1}, [["item"], "one"])},
    "version is a text": line({"version": "three"}),
    "a number": line(5),
    "null": line(None),
    **RAW,
}  # fmt: skip


@pytest.mark.parametrize("name", LOG)
def test_lines_of_the_log_that_are_none_are_passed_over(name: str, there: World) -> None:
    log = base(there).with_name(f"{base(there).name}.log")
    log.write_bytes(LOG[name])
    report = there.sync(LIST)
    assert (report.plan.changes, report.writes) == ((), 0)


DEEDS: dict[str, Any] = {
    "how is unknown": {"how": "dreamt"},
    "what is a number": {"what": 5},
    "id is a list": {"id": []},
    "key is a number": {"key": 5},
    "sent is a list": {"sent": ["title"]},
    "sent creators": {"sent": {"creators": "Ann"}},
    "sent tags": {"sent": {"tags": [5]}},
    "sent collections": {"sent": {"collections": 5}},
    "before is a text": {"before": "x"},
    "before itemType": {"before": {"itemType": {}}},
    **{f"record, {name}": {"record": one} for name, one in NOT_ROWS.items()},
}


@pytest.mark.parametrize("name", DEEDS)
def test_a_journal_with_a_deed_that_is_none(name: str, there: World) -> None:
    path = there.files(LIST.id).journal / "1.jsonl"
    head, deed, *_ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + line({**json.loads(deed), **DEEDS[name]}) + deed)
    version = there.version
    with pytest.raises(Failure) as caught:
        there.undo(LIST.id, 1)
    assert f"{path}:2: is damaged: what run 1 did is not known" in str(caught.value.problem)
    assert there.version == version


@pytest.mark.parametrize(
    "head", [{"run": 1, "spec": 5}, {"run": "1"}, {"folder": "x"}, [], 5, {"run": 1, "folder": None}]
)
def test_a_journal_whose_first_line_is_none(head: Any, there: World) -> None:
    path = there.files(LIST.id).journal / "1.jsonl"
    path.write_bytes(line(head) + path.read_bytes().partition(b"\n")[2])
    with pytest.raises(Failure, match="is damaged"):
        there.undo(LIST.id, 1)


@pytest.mark.parametrize("name", RAW)
def test_a_journal_that_a_sudden_end_cut_off(name: str, there: World) -> None:
    journal = there.files(LIST.id).journal
    with (journal / "1.jsonl").open("ab") as file:
        file.write(RAW[name])
    assert there.undo(LIST.id, 1).plan.counts["remove"] == 6
    assert run.Journal(journal).run(1).is_undone, "the mark has a line of its own"
    assert there.sync(LIST).plan.counts["create"] == 6


@pytest.mark.parametrize("head", [b"", b'{"run": 2, "fol'])
def test_a_run_that_ended_before_its_first_deed(head: bytes, there: World) -> None:
    journal = run.Journal(there.files(LIST.id).journal)
    (there.files(LIST.id).journal / "2.jsonl").write_bytes(head)
    assert journal.numbers() == [1, 2]
    assert (journal.run(2).deeds, journal.run(2).is_undone) == ((), True)


def test_a_file_that_is_no_run_is_none(there: World) -> None:
    (there.files(LIST.id).journal / "².jsonl").touch()
    assert run.Journal(there.files(LIST.id).journal).numbers() == [1]


@pytest.mark.parametrize(
    "row",
    [
        b'{"sent": [{"kind": "items", "name": "X", "at": 0, "data": 5}]}',
        b'{"sent": [{"kind": "items", "name": 3, "at": 0, "data": {}}]}',
        b'{"sent": [{"kind": "items", "name": "X", "at": 1e400, "data": {}}]}',
        b'{"given": {"X": 5}}',
        b"[" * 100_000,
        b"\0" * 50,
        b'"\xff"',
    ],
)
def test_a_row_of_the_desktops_keys_that_is_none_is_passed_over(row: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_bytes(b'{"given": {"A": "KEYKEYKE"}}\n' + row + b"\n")
    given = Given(path)
    given.load()
    assert (given.keys, given.open) == ({"A": "KEYKEYKE"}, {})


@pytest.mark.parametrize("data", [{}, {"version": "x"}, []])
def test_a_mirror_with_a_row_that_is_none_is_empty(data: object, tmp_path: Path) -> None:
    path = tmp_path / "mirror.sqlite"
    seen = Seen(version=3, collections={}, items={"A": {"key": "A", "version": 3}})
    Mirror(path, "x").save(seen)
    assert Mirror(path, "x").load() == seen
    base = sqlite3.connect(path)
    with base:
        base.execute("update objects set data = ?", (documents.packed(data),))
    base.close()
    assert Mirror(path, "x").load() is None
