"""Knows the commands that concern a library: sync, undo, status, login, logout, sandbox."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from refsync.cli import reports
from refsync.cli.failing import FAILED, FOUND, failures

if TYPE_CHECKING:
    from refsync.model import Catalog
    from refsync.settings import Settings
    from refsync.sync.apply import Told
    from refsync.sync.changes import Change, Plan
    from refsync.sync.places import Place
    from refsync.sync.run import Files, Report

_EXAMPLES = 10
_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}
_SPEC = (
    "user, group:ID, desktop, sandbox or sandbox:FILE; the sandbox of this machine unless refsync.yaml names another."
)
_FIND = "select them, right-click, Find Full Text (once called Find Available PDFs)"


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
        folder, wanted, catalog = _built(path, spec, dry_run=shows_only)
        wishes = running.Wishes(
            dry_run=shows_only,
            restore=restore,
            root=wanted.zotero.collection,
            is_sure=is_sure,
            is_forced=force,
        )
        with (
            _opened(folder, wanted, spec, catalog, writes=not shows_only) as (place, library, files, desired),
            _progress() as told,
        ):
            report = running.sync(desired, place, library, files, wishes, confirm=_confirm, told=told)
        for problem in desired.problems[:_EXAMPLES]:
            click.echo(f"  {problem}", err=True)
        if as_json:
            click.echo(json.dumps(_value(report, dry_run=shows_only), ensure_ascii=False))
        else:
            _show(report, catalog, dry_run=shows_only, is_brief=as_check)
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
        folder, wanted, catalog = _built(Path(one.folder), one.spec, dry_run=True)
        with (
            _opened(folder, wanted, one.spec, catalog, writes=not dry_run) as (place, library, files, _),
            _progress() as told,
        ):
            report = running.undo(one, place, library, files, catalog.id, dry_run=dry_run, told=told)
        _show_changes(report.plan.changes, everything=dry_run)
        counts = report.plan.counts
        verb = "would be taken back" if dry_run else "taken back"
        done = len(report.plan.writes) + len(report.plan.removals)
        click.echo(f"  run {one.number}: {done} {verb}, {counts['skip']} left as they are", err=True)


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--library", "spec", metavar="SPEC", help=_SPEC)
def status(path: Path, spec: str | None) -> None:
    """Show which library is meant, what its key may do, the last sync, and what the next would do."""
    with failures():
        from refsync import folders
        from refsync.sync import places
        from refsync.sync import run as running
        from refsync.sync.journal import Journal

        folder, wanted, catalog = _built(path, spec, dry_run=True)
        with _opened(folder, wanted, spec, catalog, fresh_rights=True, writes=False) as (
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
        click.echo(f"may        read and write{'' if place.kind == places.SANDBOX else ', as the key says'}")
        last = (
            f"run {mine[-1].number}, {mine[-1].when}" + (" (taken back)" if mine[-1].is_undone else "")
            if mine
            else "none"
        )
        click.echo(f"last sync  {last}")
        click.echo(f"next sync  {_counts(report.plan) or 'nothing to do'}")


@click.command()
def login() -> None:
    """Let refsync write to your Zotero library: opens Zotero's own page, and keeps the key in the system's keyring."""
    with failures():
        from refsync.sync import login as logging_in

        logging_in.check_keyring()
        found = logging_in.log_in(os.environ, _open_page)
        logging_in.keep(found)
        click.echo(f"logged in as {found.user}; the key is in the keyring of this system", err=True)
        click.echo("Next: refsync sync --library user --dry-run", err=True)


@click.command()
def logout() -> None:
    """Forget the key that `refsync login` has kept."""
    with failures():
        from refsync.sync import login as logging_in
        from refsync.sync import places

        server = places.origin(os.environ.get("ZOTERO_API_URL") or places.ZOTERO)
        was = logging_in.forget(server)
        click.echo(f"the key of {server} is forgotten" if was else f"no key of {server} was kept", err=True)
        click.echo("To make it invalid, remove it at https://www.zotero.org/settings/keys", err=True)


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
                click.echo(f"serving {path} as Zotero's desktop does; end with Ctrl-C.", err=True)
            else:
                click.echo(f"export ZOTERO_API_URL={server.url}")
                click.echo(f"export ZOTERO_API_KEY={server.key}")
                start = "In another terminal: refsync sync --library user"
                click.echo(f"serving {path}; end with Ctrl-C. {start}", err=True)
            try:
                _wait()
            except KeyboardInterrupt:
                click.echo("ended", err=True)


def _explain(text: str) -> None:
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    click.echo(f"{start}{text}", err=True)


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


def _open_page(address: str) -> None:
    import webbrowser

    click.echo(f"Allow refsync at {address}", err=True)
    webbrowser.open(address)


# ---------------------------------------------------------------------------------------------------------------


def _built(path: Path, spec: str | None, *, dry_run: bool) -> tuple[Path, Settings, Catalog]:
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
def _opened(
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
    from refsync.model import Failure, Problem
    from refsync.sync import desired as of_catalog
    from refsync.sync import places
    from refsync.sync.run import Files

    state = folders.state_folder()
    if wanted.zotero.state not in {None, "folder", "local"}:
        what = f"`zotero.state: {wanted.zotero.state}` is neither `local` nor `folder`."
        raise Failure(Problem(where="refsync.yaml", what=what, hint="Mend it there."))
    shared = folder if wanted.zotero.state == "folder" else None
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
    _show_changes(plan.changes, everything=False)
    return click.confirm(f"  {_counts(plan)}: write that into this library, which is not empty?", err=True)


def _value(report: Report, *, dry_run: bool) -> dict[str, Any]:
    return {
        "run": report.run,
        "library": report.place.as_json(),
        "dry_run": dry_run,
        "changes": [change.as_json() for change in report.plan.changes],
        "counts": dict(report.plan.counts),
        "requests": {"read": report.reads, "write": report.writes},
        "seconds": round(report.seconds, 3),
        "refused": {f"{what} {id}": why for (what, id), why in report.refused.items()},
    }


def _show(report: Report, catalog: Catalog, *, dry_run: bool, is_brief: bool) -> None:
    """The changes, then what came of them."""
    plan = report.plan
    click.echo(f"  {click.style('library', fg='cyan')}   {report.place.label}", err=True)
    for note in report.notes:
        click.echo(f"  {click.style('note', fg='yellow')}      {note}", err=True)
    if not is_brief:
        _show_changes(plan.changes, everything=dry_run)
    for (what, id), why in report.refused.items():
        click.echo(f"  {click.style('refused', fg='red')}   {what} {id}: {why}", err=True)
    counts = _counts(plan)
    if plan.is_empty:
        counts = f"nothing to do{f' ({counts})' if counts else ''}"
    elif dry_run:
        counts = f"to do: {counts}"
    verdict = "plan   " if dry_run else "in part" if report.refused else "agreed "
    click.echo(f"  {click.style(verdict, fg='yellow' if report.refused else 'green')}   {counts}", err=True)
    if report.fileless and report.place.kind == "desktop" and not dry_run:
        them = f"{report.fileless} {'item has' if report.fileless == 1 else 'items have'} no file"
        click.echo(f"  {click.style('files', fg='cyan')}     {them}: in Zotero, {_FIND}", err=True)
    if report.run is not None:
        if report.writes and not dry_run:
            _show_tree(report, catalog)
        click.echo(f"  Undo: refsync undo {report.run}", err=True)


def _counts(plan: Plan) -> str:
    words = {
        "create": "created", "update": "updated", "remove": "removed from collections",
        "conflict": "kept as changed in Zotero", "skip": "left out (removed in Zotero, or no longer listed)",
    }  # fmt: skip
    return ", ".join(f"{plan.counts[name]} {word}" for name, word in words.items() if plan.counts.get(name))


def _show_changes(changes: tuple[Change, ...], *, everything: bool) -> None:
    """The changes, all of them on stdout where that is what was asked for, else a few on stderr; those that were not made
    first, because a person has to know them."""
    ranked = sorted(changes, key=lambda one: one.sign != "!") if not everything else list(changes)
    shown = ranked if everything else ranked[:_EXAMPLES]
    for one in shown:
        click.echo(_line(one), err=not everything)
    if len(ranked) > len(shown):
        click.echo(f"  ... and {len(ranked) - len(shown)} more (--dry-run shows all)", err=True)


def _line(one: Change) -> str:
    sign = click.style(one.sign, fg=_COLOURS[one.sign])
    fields = "; ".join(_difference(name, pair) for name, pair in one.fields.items())
    why = f" ({one.why})" if one.why else ""
    line = f"\n      corrections.yaml:  {one.line}" if one.line else ""
    return f"  {sign} {one.what:<10} {one.key}  {fields}{why}{line}"


def _difference(name: str, pair: tuple[Any, Any]) -> str:
    old, new = (_text(value) for value in pair)
    if pair[0] is None:
        return new
    return f"{name}: {old or '-'} -> {new or '-'}"


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        parts = [_text(one) for one in value]
        return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")
    if isinstance(value, Mapping):
        return str(value.get("tag") or value.get("name") or value.get("lastName") or "")
    text = " ".join(str("" if value in (None, False) else value).split())
    return text if len(text) <= 70 else f"{text[:67]}..."


def _show_tree(report: Report, catalog: Catalog) -> None:
    """The collections as they are in the library now, with the number of items in each."""
    from refsync.sync.desired import ROOT
    from refsync.sync.seen import client_key, is_gone, plain

    seen = report.seen
    root = client_key(catalog.id, "collection", ROOT)
    if root not in seen.collections:
        return

    def shown(key: str, depth: int) -> None:
        count = len(seen.members.get(key, ()))
        number = f"  {count}" if count else ""
        click.echo(f"  {'  ' * depth}{plain(seen.collections[key].get('name'))}{click.style(number, dim=True)}")
        for inner in sorted(seen.inner.get(key, ()), key=order):
            if not is_gone(seen.collections[inner]) and depth < 50:
                shown(inner, depth + 1)

    order = _list_order(catalog)
    shown(root, 0)


def _list_order(catalog: Catalog) -> Callable[[str], tuple[int, str]]:
    """Collections in the order of the list, a person's own after them."""
    from refsync.sync.seen import client_key

    places = {client_key(catalog.id, "collection", topic.id): at for at, topic in enumerate(catalog.topics)}
    return lambda key: (places.get(key, len(places)), key)
