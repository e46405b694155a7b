"""Knows the command `init`: looks at a list and writes the settings that fit it."""

from __future__ import annotations

from pathlib import Path

import click

from refsync.cli.failing import failures
from refsync.cli.merging import show_registered


@click.command()
@click.argument("path", metavar="[LIST]", default=".", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the settings, and write nothing.")
@click.option("--git", is_flag=True, help="Tell git how to merge what refsync writes, and nothing else.")
def init(path: Path, dry_run: bool, git: bool) -> None:
    """Look at a list and write a commented refsync.yaml beside it.

    LIST is a list file or its folder. Titles, lists, bibliographies and papers that are found stand in the file; what
    else can be set stands there behind a #. Settings that there are already are left alone (exit code 4).
    """
    with failures():
        if git:
            show_registered(path)
            return
        from refsync import files, proposing, settings

        folder, look = proposing.looked(path)
        text = proposing.proposed(look)
        if dry_run:
            click.echo(text, nl=False)
            return
        files.write({folder / settings.FILE: text})
        for name, count in look.lists:
            click.echo(f"  read      {name}: {count} {'entry' if count == 1 else 'entries'}", err=True)
        click.echo(f"  wrote     {folder / settings.FILE}", err=True)
        shown = "" if folder == Path() else f" {folder}"
        click.echo(f"next: refsync build{shown}, then refsync check{shown}", err=True)
