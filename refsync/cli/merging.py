"""Knows the commands that work with git: `merge-driver`, which git calls, and `init --git`, which tells it to."""

from __future__ import annotations

from pathlib import Path

import click

from refsync.cli.failing import FAILED, Refused, failures

_FILE = click.Path(path_type=Path)


@click.command("merge-driver")
@click.argument("old", type=_FILE)
@click.argument("ours", type=_FILE)
@click.argument("theirs", type=_FILE)
@click.argument("name")
def merge_driver(old: Path, ours: Path, theirs: Path, name: str) -> None:
    """Merge a file that refsync writes; git calls it, as `refsync init --git` has told it to.

    The catalog is merged by key, what was synced by record; exports are left as they are, for the next build writes them.
    Exit code 1 where only a person can merge; the sides then stand between conflict markers.
    """
    from refsync import mergedriver
    from refsync.model import Failure

    with failures():
        try:
            told = mergedriver.merge(old, ours, theirs, name)
        except Failure as failure:
            raise Refused(failure.problem, FAILED) from None
        for problem in told:
            click.echo(str(problem), err=True)


def show_registered(path: Path) -> None:
    """Registers the merge driver for a folder, and says what was done."""
    from refsync import gitattributes
    from refsync.build import located

    folder, _ = located(path)
    written = gitattributes.registered(folder, gitattributes.command())
    if written.changed:
        click.echo(f"  wrote     {folder / gitattributes.ATTRIBUTES}; commit it", err=True)
    click.echo("  git       merges the catalog by key in this clone; every other clone: refsync init --git", err=True)
