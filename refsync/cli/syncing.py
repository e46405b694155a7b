"""Knows the commands that concern a library: sync, undo, status, sandbox."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from refsync.cli import opening, plans
from refsync.cli.failing import FAILED, FOUND, failures

if TYPE_CHECKING:
    from refsync.sync.apply import Told
    from refsync.sync.changes import Plan

_RIGHTS = {"sandbox": "read and write", "desktop": "read; Zotero asks a person before the first write"}
_SPEC = (
    "user, group:ID, desktop, sandbox or sandbox:FILE; the sandbox of this machine unless refsync.yaml names another."
)


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be done, item by item, and write nothing.")
@click.option(
    "--check", "as_check", is_flag=True, help="As --dry-run, briefly; exit code 3 when something would be done."
)
@click.option("--library", "spec", metavar="SPEC", help=_SPEC)
@click.option(
    "--yes", "is_sure", is_flag=True, help="Do not ask before the first write into a library that is not empty."
)
@click.option("--force", is_flag=True, help="Also when more than 30 % of the items would leave their collections.")
@click.option("--restore", is_flag=True, help="Bring back what was removed or trashed in Zotero.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def sync(
    path: Path,
    dry_run: bool,
    as_check: bool,
    spec: str | None,
    is_sure: bool,
    force: bool,
    restore: bool,
    as_json: bool,
) -> None:
    """Build, then make a Zotero library agree with the catalog: a tree of collections, an item for every entry.

    What a person changed in Zotero is kept, and told once. Running it again does nothing. A library of yours is written only
    when it is named; without one it is a sandbox on this machine.
    """
    with failures():
        from refsync.sync import run as running

        shows_only = dry_run or as_check
        folder, wanted, catalog = opening.built(path, spec, dry_run=shows_only)
        wishes = running.Wishes(
            dry_run=shows_only,
            restore=restore,
            root=wanted.zotero.collection,
            is_sure=is_sure,
            is_forced=force,
        )
        with (
            opening.opened(folder, wanted, spec, catalog, writes=not shows_only) as (place, library, files, desired),
            _progress() as told,
        ):
            report = running.sync(desired, place, library, files, wishes, confirm=_confirm, told=told)
        for problem in desired.problems[: plans.EXAMPLES]:
            click.echo(f"  {problem}", err=True)
        if as_json:
            click.echo(json.dumps(plans.value(report, dry_run=shows_only), ensure_ascii=False))
        else:
            plans.show(report, catalog, dry_run=shows_only, is_brief=as_check)
        if not (spec or wanted.zotero.library):
            _suggest()
        if report.refused:
            raise SystemExit(FAILED)
        if as_check and not report.plan.is_empty:
            raise SystemExit(FOUND)


@click.command()
@click.argument("number", metavar="[RUN]", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and write nothing.")
def undo(number: int | None, dry_run: bool) -> None:
    """Take a sync back: RUN, or the last one. What was touched in Zotero since stays, and is told."""
    with failures():
        from refsync import folders
        from refsync.model import Failure, Problem
        from refsync.sync import run as running
        from refsync.sync.journal import Journal

        journal = Journal(folders.state_folder() / "runs")
        numbers = [
            one for one in journal.numbers() if number in {None, one} and (number or not journal.run(one).is_undone)
        ]
        if number is None and not numbers:
            raise Failure(Problem(where="undo", what="nothing was synced that could be taken back."))
        one = journal.run(number if number is not None else numbers[-1])
        if one.is_undone:
            raise Failure(Problem(where=f"run {one.number}", what="was taken back already."))
        with (
            opening.opened_again(one, writes=not dry_run) as (place, library, files, catalog),
            _progress() as told,
        ):
            report = running.undo(one, place, library, files, catalog, dry_run=dry_run, told=told)
        plans.show_changes(report.plan.changes, everything=dry_run)
        plans.show_refused(report)
        counts = report.plan.counts
        verb = "would be taken back" if dry_run else "taken back"
        done = len(report.plan.writes) + len(report.plan.removals) - len(report.refused)
        click.echo(f"  run {one.number}: {done} {verb}, {counts['skip']} left as they are", err=True)
        if report.refused:
            click.echo(f"  Again: refsync undo {one.number}", err=True)
            raise SystemExit(FAILED)


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--library", "spec", metavar="SPEC", help=_SPEC)
def status(path: Path, spec: str | None) -> None:
    """Show which library is meant, what its key may do, the last sync, and what the next would do."""
    with failures():
        from refsync import folders
        from refsync.sync import run as running
        from refsync.sync.journal import Journal

        folder, wanted, catalog = opening.built(path, spec, dry_run=True)
        with opening.opened(folder, wanted, spec, catalog, fresh_rights=True, writes=False) as (
            place,
            library,
            files,
            desired,
        ):
            report = running.sync(desired, place, library, files, running.Wishes(dry_run=True))
        journal = Journal(folders.state_folder() / "runs")
        runs = [journal.run(one) for one in journal.numbers()]
        mine = [one for one in runs if one.folder == files.folder and one.spec == place.spec]
        click.echo(f"library    {place.label}")
        click.echo(f"may        {_RIGHTS.get(place.kind, 'read and write, as the key says')}")
        last = (
            f"run {mine[-1].number}, {mine[-1].when}" + (" (taken back)" if mine[-1].is_undone else "")
            if mine
            else "none"
        )
        click.echo(f"last sync  {last}")
        click.echo(f"next sync  {plans.counted(report.plan) or 'nothing to do'}")


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Any free one when left out.")
@click.option("--desktop", is_flag=True, help="Serve the local API of Zotero 10 instead; whoever asks may write.")
def sandbox(file: Path | None, port: int, desktop: bool) -> None:
    """Serve a Zotero-compatible library on this machine (in FILE, or the one that `sync` uses), until Ctrl-C."""
    with failures():
        from refsync import folders
        from refsync.sync import sandbox as serving

        path = file or folders.state_folder() / "sandbox.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        with serving.serving(path, port=port, desktop=desktop, consent=_consent) as server:
            if desktop:
                click.echo(f"{server.url}/")
                start = f"In another terminal: REFSYNC_DESKTOP_URL={server.url} refsync sync --library desktop"
                click.echo(f"serving {path} as Zotero's desktop does; end with Ctrl-C. {start}", err=True)
            else:
                click.echo(f"export ZOTERO_API_URL={server.url}")
                click.echo(f"export ZOTERO_API_KEY={server.key}")
                start = "In another terminal: refsync sync --library user"
                click.echo(f"serving {path}; end with Ctrl-C. {start}", err=True)
            try:
                _wait()
            except KeyboardInterrupt:
                click.echo("ended", err=True)


def _suggest() -> None:
    """Says to one who named no library that there is a Zotero here, where one answers at once."""
    from refsync.sync import desktop

    if line := desktop.suggestion(os.environ):
        click.echo(f"  {line}", err=True)


def _consent(app: str) -> Literal["always"]:
    click.echo(f"{app} may write from now on", err=True)
    return "always"


def _wait() -> None:
    import threading

    threading.Event().wait()


# ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Told]:
    """What is going on, on one line of stderr, when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda label, done, total: None
        return

    def told(label: str, done: int, total: int) -> None:
        count = f" {done} of {total}" if total else ""
        click.echo(f"\r\x1b[K{label}{count} ...", nl=False, err=True)

    try:
        yield told
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _confirm(plan: Plan) -> bool:
    """Asks a person at a terminal whether to write into a library that is not empty."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo("\r\x1b[K", nl=False, err=True)
    plans.show_changes(plan.changes, everything=False)
    return click.confirm(f"  {plans.counted(plan)}: write that into this library, which is not empty?", err=True)
