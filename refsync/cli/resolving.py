"""Knows the command `resolve`: completing the metadata of a folder, with evidence."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli.failing import FAILED, failures

if TYPE_CHECKING:
    from refsync.outcomes import Change, Outcome
    from refsync.resolve import Report
    from refsync.resolvers.asking import Sources
    from refsync.resolvers.searching import Told

_LONG, _NOW_AND_THEN = 5.0, 30.0  # seconds after which progress is told in a log, and between two lines of it
_COLOURS = {"resolved": "green", "ambiguous": "yellow", "conflict": "red"}


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be learned, field by field, and write nothing.")
@click.option("--offline", is_flag=True, help="Ask no server: only local sources and answers that were kept.")
@click.option(
    "--source",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="Ask this first: bib:FILE, csl:, ris:, catalog: (a file or a folder, .gz too), or a service by name. Repeatable.",
)
@click.option(
    "--refresh", multiple=True, metavar="KEY", help="Ask again for this entry (all: for every one). Repeatable."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask for no more than N works.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a work.")
def resolve(
    path: Path,
    dry_run: bool,
    offline: bool,
    specs: tuple[str, ...],
    refresh: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """Complete authors, venue, date, pages and identifiers of every work, and say who said each.

    Only what is sure is written: an identifier decides and the title confirms it, or the titles are equal and nothing
    speaks against it. All else is shown as a question, with the line of corrections.yaml that answers it. It can be
    stopped at any time, and continues where it was.
    """
    with failures():
        with _progress() as told:
            report = resolved(
                path, offline=offline, specs=specs, refresh=refresh, limit=limit, dry_run=dry_run, told=told
            )
        if as_json:
            for one in report.outcomes:
                click.echo(json.dumps(_value(one), ensure_ascii=False))
        elif dry_run:
            _show_changes(report)
        _show(report, dry_run=dry_run)
        if report.is_stopped:
            raise SystemExit(FAILED)


def resolved(path: Path, *, offline: bool, **named: Any) -> Report:
    """What `resolve.resolve` makes of a folder with the sources that its settings and the environment name."""
    from datetime import date

    from refsync import folders
    from refsync import resolve as resolving

    today = date.today().isoformat()
    with asking(path, today, offline=offline) as (sources, _):
        return resolving.resolve(path, sources=sources, cache=folders.cache_folder(), today=today, **named)


@contextmanager
def asking(path: Path, today: str, *, offline: bool) -> Iterator[tuple[Sources, tuple[str, ...]]]:
    """(the sources that the settings of a folder and the environment give, the names of those to ask)."""
    from refsync import folders, settings, web
    from refsync.build import located
    from refsync.resolvers.asking import Sources
    from refsync.resolvers.memory import Memory

    folder, _ = located(path)
    wanted = settings.load(folder)
    tables = wanted.tables(folder)
    contact = (os.environ.get("REFSYNC_MAILTO") or wanted.mailto or "").strip()
    contact = contact if contact.isascii() and contact.isprintable() else ""
    mirror = web.mirror()
    cache = folders.cache_folder()
    with (
        web.Services(cache, contact=contact, is_offline=offline) as services,
        Memory(cache, today) as memory,
    ):
        yield Sources(services, tables, memory, _secrets(os.environ), mirror), wanted.resolvers


def _secrets(environment: Mapping[str, str]) -> dict[str, str]:
    from refsync.resolvers import RESOLVERS

    names = [one.secret for one in RESOLVERS if one.secret]
    # A key that was pasted with its line end would be told in full by the error that refuses it.
    given = {name: environment.get(name, "").strip() for name in names}
    return {name: key for name, key in given.items() if key.isascii() and key.isprintable() and key}


@contextmanager
def _progress() -> Iterator[Told]:
    """What is going on: on one line of stderr when that is a terminal, else a line now and then when it takes long."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    last = time.monotonic() - _NOW_AND_THEN + _LONG

    def told(label: str, done: int, total: int) -> None:
        nonlocal last
        text = f"{label} ... {f'{done} of {total}' if total else done}"
        if is_terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
        elif (now := time.monotonic()) - last >= _NOW_AND_THEN:
            last = now
            click.echo(f"  {text}", err=True)

    try:
        yield told
    finally:
        if is_terminal:
            click.echo("\r\x1b[K", nl=False, err=True)


def _show_changes(report: Report) -> None:
    from refsync.outcomes import changes

    for one in report.outcomes:
        learned = changes(one.before, one.after) if one.is_new else ()
        if learned:
            click.echo(click.style(f"{one.before.key}", bold=True) + f"  {one.before.title}")
        for change in learned:
            click.echo(f"  {_difference(change)}")


def _difference(change: Change) -> str:
    said = f"  ({change.by})" if change.by else ""
    if change.old:
        return click.style(f"~ {change.name}: ", fg="yellow") + f"{_text(change.old)} -> {_text(change.new)}{said}"
    return click.style(f"+ {change.name}: ", fg="green") + f"{_text(change.new)}{said}"


def _text(value: Any) -> str:
    from refsync import names
    from refsync.formats.catalog import date_text
    from refsync.model import Date, Venue

    if isinstance(value, tuple):
        people = [names.natural(one) for one in value]
        return ", ".join(people[:6]) + (f" and {len(people) - 6} more" if len(people) > 6 else "")
    if isinstance(value, Venue):
        return f"{value.name} ({value.short})" if value.short and value.short != value.name else value.name
    if isinstance(value, Date):
        return date_text(value)
    text = " ".join(str(value).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _value(one: Outcome) -> dict[str, Any]:
    from refsync.outcomes import changes

    learned = {
        change.name: [_text(change.old) if change.old else None, _text(change.new), change.by]
        for change in changes(one.before, one.after)
    }
    return {
        "key": one.before.key,
        "title": one.before.title,
        "state": one.state,
        "why": one.why,
        "line": one.line,
        "fields": learned,
    }


def _show(report: Report, *, dry_run: bool) -> None:
    """The table of states, then every question with its line."""
    from refsync.outcomes import STATES
    from refsync.resolvers.asking import OFFLINE

    counts = {state: sum(one.state == state for one in report.outcomes) for state in STATES}
    before = sum(not one.is_new for one in report.outcomes)
    for state in STATES:
        if counts[state]:
            note = f"  ({before} of them before)" if state == "resolved" and before else ""
            click.echo(f"  {click.style(f'{counts[state]:>5}', fg=_COLOURS.get(state))}  {state}{note}", err=True)
    for problem in report.problems[:10]:
        click.echo(f"  {problem}", err=True)
    offline = [name for name, why in report.silent.items() if why == OFFLINE]
    if offline:
        click.echo(f"  {click.style('note', fg='yellow')}   offline, so not asked: {', '.join(offline)}", err=True)
    for why in dict.fromkeys(why for why in report.silent.values() if why != OFFLINE):
        names = ", ".join(name for name, reason in report.silent.items() if reason == why)
        click.echo(f"  {click.style('note', fg='yellow')}   {names}: {why}", err=True)
    for name, why in report.owed.items():
        if name not in report.silent:
            again = "asked again by the next run"
            click.echo(
                f"  {click.style('note', fg='yellow')}   {name} did not answer for every work ({why}): {again}",
                err=True,
            )
    asked = [one for one in report.outcomes if one.state != "resolved" and (one.state != "blocked" or offline)]
    if asked:
        click.echo("  Put into corrections.yaml what is right, then resolve again:", err=True)
    for one in asked:
        click.echo(click.style(f"    # {one.before.title}: {one.state}, {one.why}", fg="cyan"), err=True)
        for line in one.line.splitlines():
            click.echo(f"    {line}", err=True)
    blocked = sum(one.state == "blocked" for one in report.outcomes)
    if report.is_stopped:
        click.echo("  stopped: what was learned is kept; run it again to continue", err=True)
    elif blocked:
        click.echo(f"  {blocked} could not be asked for; run it again later to continue", err=True)
    written = report.build.written
    verb = "to write" if dry_run else "wrote"
    click.echo(f"  {verb} {', '.join(written.changed)}" if written.changed else "  nothing new to write", err=True)
