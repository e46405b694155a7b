"""Builds one folder: lists in, catalog and exports out, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from refsync import (
    assemble,
    corrections,
    decoded,
    documents,
    files,
    formats,
    keypattern,
    lint,
    selection,
    settings,
    sources,
    titles,
)
from refsync.assemble import Renewal, Result
from refsync.decoded import Decoded
from refsync.files import Written
from refsync.formats import cited as cited_files
from refsync.formats.options import Options, Wishes, checked
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.settings import Settings

CATALOG = "catalog.yaml"
NONE = Wishes()
# Losing more than this share of so many entries at once is more likely an accident than an edit.
_MOST_LOST, _FROM = 0.3, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a build read, made and wrote; `skipped` counts the parts left out, `renamed` pairs old keys with new ones."""

    folder: Path
    sources: tuple[str, ...]
    result: Result
    skipped: int
    written: Written
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def catalog(self) -> Catalog:
        """The catalog that was made."""
        return self.result.catalog


def located(path: Path) -> tuple[Path, Path | None]:
    """(folder, list file or None) that a PATH means. Raises Failure when there is nothing there."""
    if path.is_dir():
        return path, None
    if not path.exists():
        raise Failure(Problem(where=str(path), what="no such file or folder.", hint="Check the path."))
    return path.parent, path


def build(
    path: Path,
    *,
    wishes: Wishes = NONE,
    force: bool = False,
    dry_run: bool = False,
    renew: Renewal = "none",
    last: Catalog | None = None,
    relied: frozenset[str] = frozenset(),
    laid: sources.Laid = sources.NOTHING,
) -> Report:
    """Builds the folder (or the list file) at `path` and writes catalog.yaml and the exports.

    `wishes` say what else than the settings is asked of the exports; `renew` says which keys are made anew; `last` stands
    for the catalog of the folder where more is known than it holds; `relied` are keys that somebody relies on by now, and
    that are final with it; `laid` is what is taken to stand in files of the folder, and is written with the others.

    Raises Failure, with everything as it was before, when a source cannot be read (exit 1), or when a file would be
    overwritten that refsync did not write or a third of the entries would be lost (exit 4; `force` allows both).
    """
    folder, list_file = located(path)
    wanted = settings.load(folder)
    keypattern.compiled(wanted.key_pattern)
    tables = wanted.tables(folder)
    paths = (list_file,) if list_file else sources.found(folder, wanted, laid)
    read = sources.read(paths, folder, tables, laid)
    copies = decoded.folder()
    kept = _last(folder / CATALOG, copies)
    last = last or (kept.catalog if kept else None)
    cited = cited_files.keys([path for name in wanted.cited for path in sources.matches(folder, name)])
    wished = cited_files.keys(wishes.cited)
    result = assemble.assembled(
        read,
        settings=wanted,
        fixes=corrections.load(folder, tables.kinds),
        last=last,
        cited=cited | wished | relied,
        imported=_imported(folder, wanted, tables),
        tables=tables,
        name=folder.resolve().name,
        renew=renew,
    )
    if not result.occurrences:
        raise _nothing(read)
    if not force:
        _check_losses(last, result)
    usual = Options(ascii=wanted.ascii, venues=wanted.venues, preprints=wanted.preprints, along=wanted.exports)
    options = checked(wishes.options(usual, cited | wished), tables)
    shown = selection.cited(result.catalog, wished) if wishes.cited else result.catalog
    shown = selection.under(shown, wishes.topic) if wishes.topic else shown
    texts, notices = _exports(folder, wanted, shown, tables, options, wishes.dialect or wanted.dialect)
    _check_names(texts, folder, paths)
    texts = {folder / CATALOG: decoded.written(result.catalog, kept), **texts}
    if not force:
        _check_ownership(texts, result.catalog, tables)
    whole: dict[Path, str | bytes] = {**laid, **texts}
    written = files.compare(whole) if dry_run else files.write(whole)
    if not dry_run:
        decoded.keep(texts[folder / CATALOG], result.catalog, copies)
    return Report(
        folder=folder,
        sources=tuple(source.name for source in read),
        result=result,
        skipped=sum(len(source.reading.skipped) for source in read if source.reading),
        written=written,
        problems=(*(kept.problems if kept else ()), *result.problems, *lint.problems(result.catalog)),
        notices=notices,
        renamed=_renamed(last, result.catalog),
    )


def _renamed(last: Catalog | None, catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """(old key, new key) of each entry of the last catalog that goes by another key now."""
    known = {alias: entry.key for entry in catalog.entries for alias in entry.aliases}
    return tuple((old.key, known[old.key]) for old in (last.entries if last else ()) if old.key in known)


def last_catalog(folder: Path) -> Catalog | None:
    """The catalog that the last build of a folder wrote, None where there is none. Raises Failure for one that is damaged."""
    found = _last(folder / CATALOG, None)
    return found.catalog if found else None


def _last(path: Path, copies: Path | None) -> Decoded | None:
    """The catalog that the last build wrote, None where there is none."""
    if not path.exists():
        return None
    text = documents.text_of(path, CATALOG)
    if not text.strip():
        return None
    if "refsync" not in text.partition("\n")[0] and "\nrefsync:" not in f"\n{text}":
        what = "was not written by refsync. Nothing changed."
        raise Failure(Problem(where=CATALOG, what=what, hint="Move it out of the way, then build again."), code=4)
    return decoded.read(text, CATALOG, copies)


def _nothing(read: Sequence[sources.Source]) -> Failure:
    names = ", ".join(source.name for source in read)
    if not any(source.text.strip() for source in read):
        return Failure(Problem(where=names, what="is empty.", hint="Name a list with entries."))
    left = sum(len(source.reading.skipped) for source in read if source.reading)
    hint = f"`refsync read --skipped {names}` shows what was left out ({left} parts)."
    return Failure(Problem(where=names, what="no entries found.", hint=hint))


def _check_losses(last: Catalog | None, result: Result) -> None:
    before = len(last.entries) if last else 0
    if before >= _FROM and len(result.gone) > _MOST_LOST * before:
        what = f"{len(result.gone)} of {before} entries are no longer in the list. Nothing changed."
        hint = "If that is meant, pass --force: their keys are kept, and come back with them."
        raise Failure(Problem(where=CATALOG, what=what, hint=hint), code=4)


def _imported(folder: Path, wanted: Settings, tables: Tables) -> tuple[Entry, ...]:
    """The entries of the bibliographies that `keys: from` names."""
    out: list[Entry] = []
    for name in wanted.keys.from_:
        known = formats.of_path(name)
        if known is None:
            what = f"`keys: from` names {name!r}, which is no bibliography."
            raise Failure(Problem(where=settings.FILE, what=what, hint="Name a .bib, .json or .ris file."))
        out += known.read(documents.text_of(folder / name, name), name, tables).entries
    return tuple(out)


def _exports(
    folder: Path, wanted: Settings, catalog: Catalog, tables: Tables, options: Options, dialect: str
) -> tuple[dict[Path, str], tuple[Problem, ...]]:
    """The text of every export, and what the formats could not hold."""
    texts: dict[Path, str] = {}
    notices: list[Problem] = []
    for name in wanted.exports:
        known = formats.of_path(name)
        if known is None or PurePath(name).name != name or name == CATALOG:
            suffixes = ", ".join(suffix for one in formats.FORMATS for suffix in one.suffixes)
            what = f"`exports` names {name!r}, which is no file refsync can write here."
            hint = f"Name a file of the folder that ends in {suffixes}."
            raise Failure(Problem(where=settings.FILE, what=what, hint=hint))
        if known.name == "bibtex" and dialect == "biblatex":
            known = formats.named(dialect) or known
        export = known.write(catalog, tables, options)
        texts[folder / name] = export.text
        texts |= {folder / other: text for other, text in export.beside.items()}
        notices += [replace(problem, where=name) for problem in export.problems]
    return texts, tuple(notices)


def _check_names(texts: Iterable[Path], folder: Path, inputs: Sequence[Path]) -> None:
    sources_of_it = {files.target(one) for one in inputs}
    for path in texts:
        if files.target(path) in sources_of_it:
            what = f"`exports` names {path.name!r}, which is a source."
            raise Failure(Problem(where=settings.FILE, what=what, hint="Name another file."))


def _check_ownership(texts: dict[Path, str], catalog: Catalog, tables: Tables) -> None:
    path = files.foreign(one for one in texts if one.name != CATALOG)
    if path is not None:
        hint = "Name another file under `exports`, or pass --force."
        raise files.not_ours(path.name, hint, _contents(path, catalog, tables))


def _contents(path: Path, catalog: Catalog, tables: Tables) -> str:
    """How many entries a file holds that refsync did not write, and how many of them the catalog lacks."""
    known = formats.of_path(path.name)
    if known is None:
        return ""
    try:
        entries = known.read(documents.text_of(path, path.name), path.name, tables).entries
    except Failure:
        return ""
    forms = {titles.comparison(title) for entry in catalog.entries for title in (entry.title, *entry.aka)}
    missing = [
        entry
        for entry in entries
        if titles.comparison(entry.title) not in forms and not any(pair in catalog.by_id for pair in entry.ids.items())
    ]
    return f" ({len(entries)} entries, {len(missing)} not in this list)"
