"""Knows the command `diff`: what changed in the catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refsync.cli.failing import failures

if TYPE_CHECKING:
    from refsync.differences import Differences
    from refsync.model import Catalog

_COLOURS = {"+": "green", "~": "yellow", "-": "red"}


@click.command()
@click.argument("revision", metavar="[REV]", required=False)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown, for a pull request.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object: works, topics, counts.")
def diff(revision: str | None, path: Path, as_markdown: bool, as_json: bool) -> None:
    """Show what changed in the catalog, by entry and field: what a build would make now, beside what the last build made.

    REV is a git revision to compare with instead (a commit, a branch, HEAD~3). Nothing is written.
    """
    with failures():
        from refsync import differences
        from refsync.build import build

        if revision is not None and path == Path() and Path(revision).exists():
            path, revision = Path(revision), None  # `refsync diff FOLDER`
        now = build(path, dry_run=True, force=True).catalog
        found = differences.between(_before(path, revision, now), now)
        if as_json:
            click.echo(json.dumps(differences.as_json(found), ensure_ascii=False))
        elif as_markdown:
            click.echo(differences.markdown(found), nl=False)
        else:
            _show(found)


def _before(path: Path, revision: str | None, now: Catalog) -> Catalog:
    """The catalog to compare with: that of the folder, or of a revision; a revision without one is built."""
    from dataclasses import replace

    from refsync import build, history

    folder, list_file = build.located(path)
    if revision is None:
        return build.last_catalog(folder) or replace(now, topics=(), entries=())
    with history.at(folder, revision, where="REV") as then:
        kept = build.last_catalog(then)
        if kept is not None:
            return kept
        return build.build(then / list_file.name if list_file else then, dry_run=True, force=True).catalog


def _show(found: Differences) -> None:
    from refsync import differences

    for one in found.works:
        title = one.entry.title if one.sign == "~" else differences.summary(one.entry)
        click.echo(f"{click.style(one.sign, fg=_COLOURS[one.sign])} {click.style(one.entry.key, bold=True)}  {title}")
        for field in one.fields:
            old, new = (differences.shown(field.name, value) for value in (field.old, field.new))
            click.echo(f"    {field.name}: {old} -> {new}")
    for before, after in found.topics:
        old, new = (" > ".join(one) if one else "nothing" for one in (before, after))
        click.echo(f"{click.style('~', fg='yellow')} heading  {old} -> {new}")
    click.echo(differences.headline(found), err=True)
