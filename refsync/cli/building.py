"""Knows the commands on a folder: `build`, `check` and `rekey`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from refsync.cli import reports
from refsync.cli.failing import FOUND, failures
from refsync.cli.wishes import wished, wishes
from refsync.model import Problem


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--force", is_flag=True, help="Overwrite files that refsync did not write; accept a large loss of entries."
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@wishes
def build(path: Path, force: bool, dry_run: bool, **given: Any) -> None:
    """Read the list(s) of a folder and write catalog.yaml and the exports.

    PATH is a folder or a list file; the current folder when left out. The network is never touched. Options of the
    exports that shall always hold stand in refsync.yaml.
    """
    with failures():
        from refsync.build import build as built

        reports.show(built(path, wishes=wished(given), force=force, dry_run=dry_run), path, dry_run=dry_run)


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Make final keys anew too, as after a new key_pattern.")
@click.option("--dry-run", is_flag=True, help="Show the new keys, and write nothing.")
def rekey(path: Path, everything: bool, dry_run: bool) -> None:
    """Make provisional keys final: as the pattern makes them now. Old keys stay as aliases.

    A key is provisional that was made without an author and that no paper cites yet.
    """
    with failures():
        from refsync.build import build as built

        report = built(path, dry_run=dry_run, renew="all" if everything else "provisional")
        for old, new in report.renamed:
            click.echo(f"{old} -> {new}")
        verb = "would be renamed" if dry_run else "renamed"
        click.echo(f"{reports.counted(len(report.renamed), 'key')} {verb}; all keys are final", err=True)


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def check(path: Path, as_json: bool) -> None:
    """Show everything in a list and its catalog that needs attention. Exit code 3 when there is something.

    Nothing is written: what a build would make now is what is checked.
    """
    with failures():
        from refsync.build import build as built

        report = built(path, dry_run=True)
        stale = [name for name in report.written.changed if (report.folder / name).exists()]
        found = [*report.problems, *report.notices]
        found += [
            Problem(where=name, what="is not what a build would write now.", hint="Run refsync build.", check="stale")
            for name in stale
        ]
        for one in found:
            if as_json:
                click.echo(json.dumps({"check": one.check, "where": one.where, "what": one.what, "hint": one.hint}))
            else:
                click.echo(str(one))
        click.echo(f"{len(found)} found" if found else "nothing found", err=True)
        if found:
            raise SystemExit(FOUND)
