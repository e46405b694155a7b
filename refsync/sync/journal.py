"""Knows what each run has done to a library, with what was there before: what `refsync undo` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refsync import documents
from refsync.model import Failure, Problem
from refsync.sync.base import Record, What, record_of, value_of


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
    """A run: its number, the folder and the SPEC of the library that it was called with, and what it did, in order."""

    number: int
    folder: str
    spec: str
    when: str
    server: str = ""
    library: str = ""
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
        return sorted(int(path.stem) for path in self._folder.glob("*.jsonl") if path.stem.isdigit())

    def begin(self, *, folder: str, spec: str, when: str, server: str = "", library: str = "") -> None:
        """Takes the next number, which no other process then gets."""
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
        place = {"spec": spec, "server": server, "library": library}
        self._append([{"run": number, "folder": folder, "when": when, **place}])

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
        with (self._folder / f"{number}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"undone": True}) + "\n")

    def run(self, number: int) -> Run:
        """One run. Raises Failure when there is none of that number."""
        path = self._folder / f"{number}.jsonl"
        if not path.exists():
            known = self.numbers()
            hint = f"There are runs {known[0]} to {known[-1]}." if known else "Nothing was synced here yet."
            raise Failure(Problem(where=f"run {number}", what="is not known.", hint=hint), code=2)
        rows = []
        for text in documents.text_of(path).split("\n"):
            try:
                row = json.loads(text)
            except ValueError:
                continue  # cut off by a sudden end
            if isinstance(row, dict):
                rows.append(row)
        if not rows or "run" not in rows[0]:
            what = f"is damaged: what run {number} did is not known from it."
            raise Failure(Problem(where=str(path), what=what, hint="Restore it; the library is as it was left."))
        head = rows[0]
        deeds = tuple(
            Deed(
                how=row["how"],
                what=row["what"],
                id=row["id"],
                key=row["key"],
                sent=row["sent"],
                before=row["before"],
                record=record_of(row["record"]) if row.get("record") else None,
            )
            for row in rows
            if "how" in row
        )
        return Run(
            number=number,
            folder=head.get("folder", ""),
            spec=head.get("spec", ""),
            when=head.get("when", ""),
            server=head.get("server", ""),
            library=head.get("library", ""),
            deeds=deeds,
            is_undone=any("undone" in row for row in rows),
        )

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
