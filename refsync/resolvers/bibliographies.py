"""Knows the files of a bibliography that a person has: which they are, and their records, one file after another.

A file that cannot be read is told by name and stops no other.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from refsync import documents, formats
from refsync.mapping import Tables
from refsync.model import Entry, Failure, Problem

# What stands before the colon of a source, and the format of its files.
KINDS = {"bib": "bibtex", "csl": "csl", "ris": "ris", "catalog": "catalog"}
_SUFFIXES = {"bib": (".bib",), "csl": (".json",), "ris": (".ris",), "catalog": (".yaml", ".yml", ".jsonl")}
_PIECE = 1 << 22  # characters of a large CSL-JSON file that are read at a time
_BATCH = 2000  # records of one that are read at a time


def is_local(spec: str) -> bool:
    """Whether a source is a bibliography of the person's own: "bib:refs.bib"."""
    kind, colon, path = spec.partition(":")
    return bool(colon and path and kind in KINDS)


def _path(name: str, spec: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        what = f"there is no home folder {name.partition('/')[0]}."
        raise Failure(Problem(where=spec, what=what, hint="Check the path of the source.")) from None


def _files(kind: str, root: Path, spec: str) -> list[Path]:
    def fits(path: Path) -> bool:
        return path.name.lower().removesuffix(".gz").endswith(_SUFFIXES[kind])

    if root.is_file():
        return [root]
    if not root.is_dir():
        raise Failure(Problem(where=spec, what="no such file or folder.", hint="Check the path of the source."))
    found = sorted(path for path in root.rglob("*") if path.is_file() and fits(path))
    if not found:
        what = f"holds no file that ends in {' or '.join(_SUFFIXES[kind])}."
        raise Failure(Problem(where=spec, what=what, hint="Check the path of the source."))
    return found


@dataclass(slots=True)
class Bibliography:
    """The files at `root`, a file or a folder. Each time it is iterated they are read, and `problems` are those of the last
    time. Where `root` is a file that cannot be read, that raises Failure."""

    kind: str
    root: Path
    files: Sequence[Path]
    tables: Tables
    problems: list[Problem] = field(default_factory=list)
    is_whole: bool = True  # whether the next run would read the same: not when the system has refused a file

    @classmethod
    def named(cls, spec: str, folder: Path, tables: Tables) -> Bibliography:
        """The bibliography that a source names, seen from `folder`. Raises Failure when there is none."""
        kind, _, name = spec.partition(":")
        try:
            spec.encode()
        except UnicodeEncodeError:  # the catalog, which is UTF-8, names the source of what it says
            shown = spec.encode("utf-8", "backslashreplace").decode()
            hint = "Rename the file, or name the folder that it is in."
            raise Failure(Problem(where=shown, what="the name is not valid UTF-8.", hint=hint)) from None
        root = folder / _path(name, spec)
        return cls(kind, root, _files(kind, root, spec), tables)

    def __iter__(self) -> Iterator[Entry]:
        self.problems.clear()
        self.is_whole = True
        count = 0
        for path in self.files:
            try:
                for entry in self._records(path):
                    count += 1
                    yield entry
            except Failure as failure:
                self._broken(failure.problem)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                why = "it ends too early" if isinstance(error, EOFError) else "it is no gzip file, or damaged"
                hint = "Fetch or pack the file again."
                self._broken(Problem(where=path.name, what=f"cannot be unpacked: {why}.", hint=hint))
            except OSError as error:
                self.is_whole = False
                what = f"cannot be read: {error.strerror or error}."
                self._broken(Problem(where=path.name, what=what, hint="Check its permissions."))

        if not count and not self.problems:
            hint = "Check that it is the right one, and of the kind that the source says."
            self.problems.append(Problem(where=self.root.name, what="holds no works.", hint=hint))

    def _broken(self, problem: Problem) -> None:
        if self.root.is_file():
            raise Failure(problem) from None
        self.problems.append(problem)

    def _records(self, path: Path) -> Iterator[Entry]:
        """Every record of a file. A large CSL-JSON file is read piece by piece, all else whole."""
        if self.kind == "csl":
            with _opened(path) as file:
                for text in _arrays(file):
                    yield from self._entries("csl", text, path)
            return
        name = "catalog-lines" if path.name.lower().removesuffix(".gz").endswith(".jsonl") else KINDS[self.kind]
        yield from self._entries(name, self._text(path), path)

    def _entries(self, name: str, text: str, path: Path) -> tuple[Entry, ...]:
        known = formats.named(name)
        assert known is not None
        read = known.read(text, path.name, self.tables)
        self.problems += read.problems
        return read.entries

    def _text(self, path: Path) -> str:
        packed = path.read_bytes()  # here, so that the system's refusal is told from a fault of the file
        is_packed = path.suffix.lower() == ".gz"
        text, doubts = documents.records_in(gzip.decompress(packed) if is_packed else packed, path.name)
        self.problems += doubts
        return text


def _opened(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
    return path.open(encoding="utf-8-sig", errors="replace")


def _arrays(file: IO[str]) -> Iterator[str]:
    """A JSON array as several smaller ones, so that a file of any size is held in memory a piece at a time. What is no
    plain array of objects is one piece: its reader says what is wrong with it."""
    text = file.read(_PIECE)
    if not text.lstrip().startswith("["):
        yield text + file.read()
        return
    decoder = json.JSONDecoder()
    rest, at = text.lstrip()[1:], 0
    items: list[str] = []
    while True:
        start = at
        while start < len(rest) and rest[start] in " \t\r\n,":
            start += 1
        if rest[start : start + 1] == "]":
            break
        try:
            _, at = decoder.raw_decode(rest, start)
        except RecursionError:
            yield f"[{','.join([*items, rest[start:]])}{file.read()}"  # nested too deeply: the reader tells
            return
        except ValueError:
            more = file.read(_PIECE)
            if not more:
                yield f"[{','.join([*items, rest[start:]])}"  # cut off, or broken: the reader tells
                return
            rest, at = rest[start:] + more, 0
            continue
        items.append(rest[start:at])
        if len(items) >= _BATCH:
            yield f"[{','.join(items)}]"
            items, rest, at = [], rest[at:], 0
    if items:
        yield f"[{','.join(items)}]"
