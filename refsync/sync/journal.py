"""Knows what each run has done to a library, with what was there before: what `refsync undo` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from refsync import documents, files
from refsync.documents import Struct
from refsync.model import Failure, Problem
from refsync.sync.base import Owner, Record, RecordRow, Values, What, value_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """One object that a run made, changed or removed: what was sent, what was there before, and the record it had in the
    base (None: none). `how` is made, changed or removed."""

    how: str
    what: What
    id: str
    key: str
    sent: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    record: Record | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run: its number, the folder and the SPEC of the library that it was called with, and what it did, in order.

    `server`, `library` and `catalog` say whose `base` (a file) it wrote to. The last two are empty in runs of old."""

    number: int
    folder: str
    spec: str
    when: str
    server: str = ""
    library: str = ""
    catalog: str = ""
    base: str = ""
    deeds: tuple[Deed, ...] = ()
    is_undone: bool = False


class Journal:
    """The runs of this machine, one file a run. A run has a number from its first deed on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: Any = None
        self.number: int | None = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def numbers(self) -> list[int]:
        """The numbers of all runs."""
        if not self._folder.is_dir():
            return []
        return sorted(
            int(path.stem) for path in self._folder.glob("*.jsonl") if path.stem.isascii() and path.stem.isdigit()
        )

    def begin(self, *, folder: str, spec: str, when: str, owner: Owner, base: Path) -> None:
        """Takes the next number, which no other process then gets. `base` is the file of the owner's base."""
        if self._file is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        number = max(self.numbers(), default=0) + 1
        while True:
            try:
                self._file = (self._folder / f"{number}.jsonl").open("x", encoding="utf-8")
                break
            except FileExistsError:
                number += 1
        self.number = number
        whose = {
            "server": owner.server,
            "library": owner.library,
            "catalog": owner.catalog,
            "base": str(base.absolute()),
        }
        self._append([{"run": number, "folder": folder, "when": when, "spec": spec, **whose}])

    def note(self, deeds: Iterable[Deed]) -> None:
        """Notes what is about to be done."""
        self._append(
            [
                {
                    "how": one.how, "what": one.what, "id": one.id, "key": one.key, "sent": dict(one.sent),
                    "before": dict(one.before), "record": value_of(one.record) if one.record else None,
                }
                for one in deeds
            ]
        )  # fmt: skip

    def mark_undone(self, number: int) -> None:
        """Notes that a run was taken back."""
        files.append(self._folder / f"{number}.jsonl", json.dumps({"undone": True}) + "\n")

    def run(self, number: int) -> Run:
        """One run; a line that was cut off by a sudden end is passed over. Raises Failure when there is none of that number,
        and where the file is damaged."""
        path = self._folder / f"{number}.jsonl"
        if not path.exists():
            known = self.numbers()
            hint = f"There are runs {known[0]} to {known[-1]}." if known else "Nothing was synced here yet."
            raise Failure(Problem(where=f"run {number}", what="is not known.", hint=hint), code=2)
        if b"\n" not in path.read_bytes():  # it ended before its first deed: there is nothing to take back
            return Run(number=number, folder="", spec="", when="", is_undone=True)
        (line, first), *rows = documents.rows_of(path) or [(1, None)]
        head = documents.fitting(first, _Head)
        if head is None:
            raise _damaged(path, line, number)
        deeds: list[Deed] = []
        is_undone = False
        for line, value in rows:
            if isinstance(value, dict) and "how" in value:
                row = documents.fitting(value, _DeedRow)
                if row is None:
                    raise _damaged(path, line, number)
                deeds.append(row.deed)
            is_undone = is_undone or (isinstance(value, dict) and "undone" in value)
        return Run(
            number=number, folder=head.folder, spec=head.spec, when=head.when, server=head.server, library=head.library,
            catalog=head.catalog, base=head.base, deeds=tuple(deeds), is_undone=is_undone,
        )  # fmt: skip

    def later(self, run: Run) -> dict[int, tuple[Deed, ...]]:
        """What the runs after a run have done to the same library, by their number, but for those that were taken back."""
        out = {}
        for number in self.numbers():
            if number <= run.number:
                continue
            with suppress(Failure):  # one that is damaged says nothing
                other = self.run(number)
                if (other.server, other.library) == (run.server, run.library) and not other.is_undone:
                    out[number] = other.deeds
        return out

    def _append(self, rows: list[Mapping[str, Any]]) -> None:
        if not rows or self._file is None:
            return
        self._file.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows))
        self._file.flush()
        os.fsync(self._file.fileno())


class _Head(Struct, frozen=True):
    run: int
    folder: str = ""
    spec: str = ""
    when: str = ""
    server: str = ""
    library: str = ""
    catalog: str = ""
    base: str = ""


class _DeedRow(Struct, frozen=True):
    """A deed as a line has it."""

    how: Literal["made", "changed", "removed"]
    what: What
    id: str
    key: str
    sent: dict[str, Any]
    before: dict[str, Any]
    record: RecordRow | None = None

    def __post_init__(self) -> None:
        if documents.fitting(self.sent, Values) is None or documents.fitting(self.before, Values) is None:
            raise ValueError("sent")

    @property
    def deed(self) -> Deed:
        return Deed(
            how=self.how, what=self.what, id=self.id, key=self.key, sent=self.sent, before=self.before,
            record=self.record.record if self.record else None,
        )  # fmt: skip


def _damaged(path: Path, line: int, number: int) -> Failure:
    what = f"is damaged: what run {number} did is not known from it."
    return Failure(Problem(where=f"{path}:{line}", what=what, hint="Restore it; the library is as it was left."))
