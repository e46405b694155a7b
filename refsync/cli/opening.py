"""Knows what a command needs to work at a library: the catalog of a folder, the library of a SPEC, and where their files lie."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli import reports

if TYPE_CHECKING:
    from refsync.model import Catalog
    from refsync.settings import Settings
    from refsync.sync.base import Owner
    from refsync.sync.journal import Run
    from refsync.sync.places import Place
    from refsync.sync.run import Files


def built(path: Path, spec: str | None, *, dry_run: bool) -> tuple[Path, Settings, Catalog]:
    """(the folder, its settings, its catalog as it is built now). Keys that go into somebody's library are final."""
    from refsync import settings
    from refsync.build import build, located
    from refsync.sync import places

    folder, _ = located(path)
    wanted = settings.load(folder)
    name = spec or wanted.zotero.library or places.SANDBOX
    report = build(path, dry_run=True)
    if not dry_run:
        relied = (
            frozenset() if name.startswith(places.SANDBOX) else frozenset(one.key for one in report.catalog.entries)
        )
        report = build(path, relied=relied)
        reports.show_written(report)
    return folder, wanted, report.catalog


@contextmanager
def opened(
    folder: Path,
    wanted: Settings,
    spec: str | None,
    catalog: Catalog,
    *,
    fresh_rights: bool = False,
    writes: bool = True,
) -> Iterator[tuple[Place, Any, Files, Any]]:
    """(the place, the library, the files of the sync, what the catalog wants of it)."""
    from refsync import folders
    from refsync.sync import desired as of_catalog
    from refsync.sync import places
    from refsync.sync.run import Files

    state = folders.state_folder()
    shared = _shared(folder, wanted)
    name = spec or wanted.zotero.library or places.SANDBOX
    with places.opened(name, state=state, fresh_rights=fresh_rights, writes=writes, show=_explain) as (place, library):
        owner = place.owner(catalog.id)
        files = Files(
            base=places.base_path(state, owner, shared),
            mirror=places.mirror_path(folders.cache_folder(), owner),
            journal=state / "runs",
            folder=str(folder.resolve()),
            when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
        yield place, library, files, of_catalog.desired(catalog, wanted.tables(folder), wanted)


def _explain(text: str) -> None:
    """Says what a person has to know before they are asked something elsewhere."""
    click.echo(f"{chr(13)}\x1b[K{text}" if sys.stderr.isatty() else text, err=True)


def _shared(folder: Path, wanted: Settings) -> Path | None:
    """The folder where the base lies for co-maintainers, None where it lies in the state folder."""
    from refsync.model import Failure, Problem

    if wanted.zotero.state not in {None, "folder", "local"}:
        what = f"`zotero.state: {wanted.zotero.state}` is neither `local` nor `folder`."
        raise Failure(Problem(where="refsync.yaml", what=what, hint="Mend it there."))
    return folder if wanted.zotero.state == "folder" else None


@contextmanager
def opened_again(run: Run, *, writes: bool) -> Iterator[tuple[Place, Any, Files, str]]:
    """(the place, the library, the files, the catalog's id) of a run, whatever has become of its folder since."""
    from refsync import folders
    from refsync.sync import places
    from refsync.sync.run import Files

    state, folder = folders.state_folder(), Path(run.folder)
    # What old runs do not tell is in their folder.
    catalog = run.catalog or built(folder, run.spec, dry_run=True)[2].id
    with places.opened(run.spec, state=state, writes=writes, show=_explain) as (place, library):
        owner = place.owner(catalog)
        files = Files(
            base=_base_now(run, folder, state, owner),
            mirror=places.mirror_path(folders.cache_folder(), owner),
            journal=state / "runs",
        )
        yield place, library, files, catalog


def _base_now(run: Run, folder: Path, state: Path, owner: Owner) -> Path:
    """Where the base of a run lies: where the folder's settings say, for it may have moved; where it was when they cannot
    be read. A folder that is gone is not made again."""
    from refsync import settings
    from refsync.model import Failure
    from refsync.sync import places

    try:
        return places.base_path(state, owner, _shared(folder, settings.load(folder)))
    except Failure:
        return Path(run.base) if run.base else places.base_path(state, owner, None)
