"""Knows which files of a folder are its list, and reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from refsync import documents, formats
from refsync.formats import survey
from refsync.mapping import Tables
from refsync.model import Entry, Failure, Problem, Reading
from refsync.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One source as read: a list (`reading`) or a bibliography (`entries`, whose keys papers already use)."""

    name: str
    text: str
    reading: Reading | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


def found(folder: Path, settings: Settings) -> tuple[Path, ...]:
    """The source files of a folder: those that refsync.yaml names, else its one list, README.md first."""
    if settings.sources:
        return tuple(dict.fromkeys(path for one in settings.sources for path in _named(folder, one)))
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


def _named(folder: Path, source: object) -> Iterable[Path]:
    if not isinstance(source, str) or source.startswith(("http://", "https://")):
        where = source if isinstance(source, str) else getattr(source, "url", "")
        what = f"the source {where} is on the web, and build never touches the network."
        raise Failure(
            Problem(where="refsync.yaml", what=what, hint="Save the list beside refsync.yaml and name the file.")
        )
    return matches(folder, source)


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


def read(paths: Iterable[Path], folder: Path, tables: Tables) -> tuple[Source, ...]:
    """The sources, each read by what its name says it is. Raises Failure for one that cannot be read."""
    return _without_twins([_read(path, _name(path, folder), tables) for path in paths])


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


def _read(path: Path, name: str, tables: Tables) -> Source:
    known = formats.of_path(path.name)
    if known is not None:
        text, doubts = documents.records_of(path, name)
        read = known.read(text, name, tables)
        return Source(name=name, text=text, entries=read.entries, problems=(*doubts, *read.problems))
    text = documents.text_of(path, name)
    return Source(name=name, text=text, reading=survey.read(text, name, tables.folder))
