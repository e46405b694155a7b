"""Knows the command `update`: the lists elsewhere that a folder is made of, fetched again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refsync.cli import reports
from refsync.cli.failing import failures

if TYPE_CHECKING:
    from refsync.news import Item
    from refsync.update import Update

_SIGNS = {"added": ("+", "green"), "retitled": ("~", "yellow"), "retired": ("-", "red"), "published": ("*", "cyan")}


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what is new, and write nothing.")
@click.option("--force", is_flag=True, help="Accept a list that lost much, a copy that was edited, a foreign export.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for everything that is new.")
def update(path: Path, dry_run: bool, force: bool, as_json: bool) -> None:
    """Fetch the sources again that lie on the web or in other repositories, pin them, and build.

    They stand under `sources` in refsync.yaml. Their copies, their pins, the catalog and the exports are written together
    or not at all; corrections.yaml lies on top.
    """
    with failures():
        from refsync import folders, web
        from refsync import update as updating

        folder = updating.folder_of(path)
        with web.Sources(folders.cache_folder(), mirror=web.mirror()) as session:
            done = updating.updated(folder, web=session, force=force, dry_run=dry_run)
            for problem in session.problems:
                click.echo(str(problem), err=True)
        if done.build is None:
            click.echo("no source in refsync.yaml lies elsewhere: nothing to update", err=True)
            return
        for item in done.news:
            click.echo(json.dumps(_value(item), ensure_ascii=False) if as_json else _line(item))
        _show(done, dry_run=dry_run)


def _value(item: Item) -> dict[str, object]:
    return {
        "sign": _SIGNS[item.what][0], "what": item.what, "key": item.key, "title": item.title, "was": item.was,
        "venue": item.venue, "year": item.year, "cited": list(item.cited),
    }  # fmt: skip


def _line(item: Item) -> str:
    sign, colour = _SIGNS[item.what]
    text = f"{click.style(f'{sign} {item.key}', fg=colour)}  {item.title}"
    if item.what == "retitled":
        text += f"  (was: {item.was})"
    if item.what == "published":
        text += f"  ({' '.join(str(part) for part in (item.venue, item.year) if part)})"
    return text + (f"  (still cited in {', '.join(item.cited)})" if item.cited else "")


def _show(done: Update, *, dry_run: bool) -> None:
    """Where each source is now, what should be known of it, and what is new in one line."""
    assert done.build is not None
    for one in done.followed:
        if one.is_changed:
            old = f"{one.old[:7]} -> " if one.old and one.old != one.new else ""
            click.echo(f"  {click.style('source    ', fg='cyan')}{one.url}: {old}{one.new[:7]}", err=True)
        else:
            click.echo(f"  {click.style('unchanged ', fg='cyan')}{one.url}: {one.new[:7]}", err=True)
    for notice in done.notices:
        click.echo(f"  {click.style('note      ', fg='yellow')}{notice}", err=True)
    click.echo(f"  {click.style('new       ', fg='cyan')}{summary(done.news)}", err=True)
    verb = "to write  " if dry_run else "wrote     "
    if done.build.written.changed:
        click.echo(f"  {click.style(verb, fg='green')}{', '.join(done.build.written.changed)}", err=True)
    if count := len(done.build.problems):
        click.echo(f"  {reports.counted(count, 'thing')} to look at: refsync check", err=True)


def summary(items: tuple[Item, ...]) -> str:
    """What is new in one line: "+7 added, 2 retitled (keys kept), 1 retired (still cited in main.tex:88)"."""
    counts = {what: sum(item.what == what for item in items) for what in _SIGNS}
    places = [place for item in items if item.what == "retired" for place in item.cited]
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    parts = {
        "added": f"+{counts['added']} added",
        "retitled": f"{counts['retitled']} retitled (keys kept)",
        "retired": f"{counts['retired']} retired"
        + (f" (still cited in {', '.join(places[:3])}{more})" if places else ""),
        "published": f"{counts['published']} published since",
    }
    return ", ".join(parts[what] for what, count in counts.items() if count) or "nothing"
