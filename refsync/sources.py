"""Knows which files of a folder are its list, and reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from refsync import documents, formats, remote, web
from refsync.formats import survey
from refsync.mapping import Tables
from refsync.model import Entry, Failure, Problem, Reading
from refsync.settings import FILE, Pinned, Settings

LISTS = (".md", ".markdown", ".mdown", ".rst", ".txt")
NOTHING: Mapping[Path, bytes] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One source as read: a list (`reading`) or a bibliography (`entries`, whose keys papers already use)."""

    name: str
    text: str
    reading: Reading | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


Laid = Mapping[Path, bytes]  # what is taken to stand in files


def found(folder: Path, settings: Settings, laid: Laid = NOTHING) -> tuple[Path, ...]:
    """The source files of a folder: those that refsync.yaml names, else its one list, README.md first. Of a list elsewhere
    it is the copy, and raises Failure where there is none."""
    if settings.sources:
        copies = remote.copies(settings.sources)
        named = (
            [_copy(folder / copies[at], one, laid)] if at in copies else matches(folder, str(one))
            for at, one in enumerate(settings.sources)
        )
        return tuple(dict.fromkeys(path for paths in named for path in paths))
    files = sorted(folder.glob("*"))
    readme = next((path for name in ("readme.md", "readme.rst") for path in files if path.name.lower() == name), None)
    if readme is not None:
        return (readme,)
    lists = sorted(path for path in files if path.suffix.lower() in {".md", ".markdown", ".rst"} and path.is_file())
    if len(lists) == 1:
        return (lists[0],)
    if lists:
        names = ", ".join(path.name for path in lists[:5])
        what = f"holds {len(lists)} lists ({names}{', ...' if len(lists) > 5 else ''})."
        raise Failure(
            Problem(where=str(folder), what=what, hint="Name those you want in refsync.yaml under `sources`.")
        )
    hint = "Name the list: refsync build LIST.md"
    raise Failure(Problem(where=str(folder), what="holds no list (README.md or another .md file).", hint=hint))


def _copy(path: Path, source: str | Pinned, laid: Laid) -> Path:
    if path not in laid and not path.is_file():
        url = source if isinstance(source, str) else source.url
        what = f"there is no copy of {web.shown(url)} yet ({path.parent.name}/{path.name})."
        raise Failure(Problem(where=FILE, what=what, hint="Run `refsync update`, which fetches it."))
    return path


def matches(folder: Path, name: str) -> list[Path]:
    """The files that a name or a pattern of refsync.yaml means. Raises Failure for a pattern that matches none."""
    if not any(char in name for char in "*?["):
        return [folder / name]
    try:
        hits = sorted(folder.glob(name))
    except (NotImplementedError, ValueError):  # an absolute or an empty pattern
        hits = []
    if not hits:
        raise Failure(Problem(where="refsync.yaml", what=f"no file matches {name!r}.", hint="Mend it there."))
    return hits


def read(paths: Iterable[Path], folder: Path, tables: Tables, laid: Laid = NOTHING) -> tuple[Source, ...]:
    """The sources, each read by what its name says it is; `laid` stands for the files that it names. Raises Failure for one
    that cannot be read."""
    named = [(path, _name(path, folder)) for path in paths]
    return _without_twins(
        [of(laid[path] if path in laid else documents.bytes_of(path, name), name, tables) for path, name in named]
    )


_SHARED, _ENOUGH = 0.8, 5  # a list that shares more of its works with another, and has so many, is its translation


def _without_twins(found: list[Source]) -> tuple[Source, ...]:
    """The sources, each list that is another's translation emptied and told of."""
    out: list[Source] = []
    works: list[tuple[str, frozenset[str]]] = []
    for source in found:
        own = _works(source.reading) if source.reading else frozenset()
        twin = next((name for name, others in works if len(own) >= _ENOUGH and _is_twin(own, others)), None)
        if twin is None:
            works.append((source.name, own))
            out.append(source)
            continue
        what = (
            f"lists the same works as {twin} ({_SHARED:.0%} or more of them): taken for its translation and left out."
        )
        hint = "To read it too, build it in a folder of its own."
        problem = Problem(where=source.name, what=what, hint=hint, check="twin")
        out.append(replace(source, reading=None, problems=(*source.problems, problem)))
    return tuple(out)


def _is_twin(own: frozenset[str], others: frozenset[str]) -> bool:
    return len(own & others) > _SHARED * len(own) and len(own & others) * 2 > len(others)


def _works(reading: Reading) -> frozenset[str]:
    """What names the works of a list in any language: their identifiers, else their addresses."""
    return frozenset(
        next((f"{scheme}:{value}" for scheme, value in account.ids.items()), account.url or "")
        for account in reading.accounts
        if account.ids or account.url
    )


def _name(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):  # elsewhere, or behind links that lead in a circle
        return path.name


def of(data: bytes, name: str, tables: Tables) -> Source:
    """The source that the bytes of a file are, by its name. Raises Failure when it cannot be read."""
    known = formats.of_path(name)
    if known is not None and known.is_read:
        text, doubts = documents.records_in(data, name)
        read = known.read(text, name, tables)
        return Source(name=name, text=text, entries=read.entries, problems=(*doubts, *read.problems))
    text = documents.decoded(data, name)
    return Source(name=name, text=text, reading=survey.read(text, name, tables.folder))
