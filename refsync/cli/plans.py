"""Knows how a plan looks to a person and to a program: its changes, its counts, and the tree that came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from refsync.model import Catalog
    from refsync.sync.base import Id
    from refsync.sync.changes import Change, Plan
    from refsync.sync.run import Report

EXAMPLES = 10
_FIND = "in Zotero, select them, right-click, Find Full Text (once called Find Available PDFs)"
_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}


def value(report: Report, *, dry_run: bool) -> dict[str, Any]:
    """A report as the contract has it."""
    return {
        "run": report.run,
        "library": report.place.as_json(),
        "dry_run": dry_run,
        "changes": [change.as_json() for change in report.plan.changes],
        "counts": dict(report.plan.counts),
        "requests": {"read": report.reads, "write": report.writes},
        "seconds": round(report.seconds, 3),
        "refused": {f"{what} {id}": why for (what, id), why in _not_written(report)},
    }


def show(report: Report, catalog: Catalog, *, dry_run: bool, is_brief: bool) -> None:
    """The changes, then what came of them."""
    plan = report.plan
    click.echo(f"  {click.style('library', fg='cyan')}   {report.place.label}", err=True)
    for note in report.notes:
        click.echo(f"  {click.style('note', fg='yellow')}      {note}", err=True)
    if not is_brief:
        show_changes(plan.changes, everything=dry_run)
    show_refused(report)
    words = counted(plan)
    if plan.is_empty:
        words = f"nothing to do{f' ({words})' if words else ''}"
    elif dry_run:
        words = f"to do: {words}"
    verdict = "plan   " if dry_run else "in part" if report.refused else "agreed "
    click.echo(f"  {click.style(verdict, fg='yellow' if report.refused else 'green')}   {words}", err=True)
    if report.fileless and report.place.kind == "desktop" and not dry_run:
        them = f"{report.fileless} {'item has' if report.fileless == 1 else 'items have'} no file"
        click.echo(f"  {click.style('files', fg='cyan')}     {them}: {_FIND}", err=True)
    if report.run is not None:
        if report.writes and not dry_run:
            _show_tree(report, catalog)
        click.echo(f"  Undo: refsync undo {report.run}", err=True)


def show_refused(report: Report) -> None:
    """What the library did not take, and what was left out for that, with why."""
    for (what, id), why in _not_written(report):
        click.echo(f"  {click.style('refused', fg='red')}   {what} {id}: {why}", err=True)


def _not_written(report: Report) -> list[tuple[Id, str]]:
    return [*report.refused.items(), *report.left_out.items()]


def counted(plan: Plan) -> str:
    """How many objects of each kind of change, in words; empty where there are none."""
    words = {
        "create": "created", "update": "updated", "remove": "removed from collections",
        "conflict": "kept as changed in Zotero", "skip": "left out (removed in Zotero, or no longer listed)",
    }  # fmt: skip
    return ", ".join(f"{plan.counts[name]} {word}" for name, word in words.items() if plan.counts.get(name))


def show_changes(changes: tuple[Change, ...], *, everything: bool) -> None:
    """The changes, all of them on stdout where that is what was asked for, else a few on stderr; those that were not made
    first, because a person has to know them."""
    ranked = sorted(changes, key=lambda one: one.sign != "!") if not everything else list(changes)
    shown = ranked if everything else ranked[:EXAMPLES]
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
    old, new = (text(value) for value in pair)
    if pair[0] is None:
        return new
    return f"{name}: {old or '-'} -> {new or '-'}"


def text(value: Any) -> str:
    """A value as a line shows it."""
    if isinstance(value, (list, tuple)):
        parts = [text(one) for one in value]
        return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")
    if isinstance(value, Mapping):
        return str(value.get("tag") or value.get("name") or value.get("lastName") or "")
    shown = " ".join(str("" if value in (None, False) else value).split())
    return shown if len(shown) <= 70 else f"{shown[:67]}..."


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
