"""Knows the commands on a folder: `build`, `check` and `rekey`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli import reports
from refsync.cli.failing import FOUND, failures
from refsync.cli.wishes import wished, wishes

if TYPE_CHECKING:
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
@click.option("--fix", is_flag=True, help="Set right what has one right answer: exports and a catalog that are stale.")
@click.option("--since", metavar="REV", help="Only what a git revision did not have yet.")
@click.option(
    "--also",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A bibliography that papers use too: works and keys that it shares. Repeatable.",
)
@click.option(
    "--list",
    "of_the_list",
    is_flag=True,
    help="Only what the list itself gets wrong, by what sources said: for its maintainer.",
)
@click.option("--markdown", is_flag=True, help="As Markdown, for an issue or a pull request.")
@click.option(
    "--without", multiple=True, metavar="CHECK", help="Leave out a check. Repeatable; refsync.yaml does it for good."
)
def check(
    path: Path,
    as_json: bool,
    fix: bool,
    since: str | None,
    also: tuple[Path, ...],
    of_the_list: bool,
    markdown: bool,
    without: tuple[str, ...],
) -> None:
    """Show everything in a list, its catalog and its exports that needs attention. Exit code 3 when there is something.

    Nothing is written unless --fix is given: what a build would make now is what is checked.
    """
    with failures():
        from refsync import checking, history
        from refsync.build import build as built

        if of_the_list:
            _check_list(path, as_json=as_json, markdown=markdown)
            return
        report, found = checking.found(path, also=also, without=without)
        if fix and any(one.check == "stale" for one in found):
            done = built(path)
            click.echo(f"fixed: wrote {', '.join(done.written.changed)}", err=True)
            found = [one for one in found if one.check != "stale"]
        if since is not None:
            with history.at(report.folder, since) as before:
                then = before if path.is_dir() else before / path.name
                found = checking.fresh(found, _known(then, since, also, without))
        _show(found, as_json=as_json, markdown=markdown)


def _known(then: Path, since: str, also: tuple[Path, ...], without: tuple[str, ...]) -> Sequence[Problem]:
    """The problems that a revision had: none that could not be built, of which that is said."""
    from refsync import checking
    from refsync.model import Failure

    if not then.exists():
        return ()
    try:
        return checking.found(then, also=also, without=without)[1]
    except Failure as failure:
        click.echo(f"{since} cannot be built ({failure.problem.what.rstrip('.')}): everything is shown", err=True)
        return ()


def _check_list(path: Path, *, as_json: bool, markdown: bool) -> None:
    """Shows what the list gets wrong: by the facts in the catalog, and by answers that were kept."""
    from refsync.cli.resolving import resolved
    from refsync.outcomes import of_the_list

    report = resolved(path, offline=True, dry_run=True)
    found = of_the_list(report.build.result.claims, report.outcomes)
    _show(found, as_json=as_json, markdown=markdown)


def _show(found: Sequence[Problem], *, as_json: bool, markdown: bool = False) -> None:
    for one in found:
        if as_json:
            click.echo(json.dumps({"check": one.check, "where": one.where, "what": one.what, "hint": one.hint}))
        elif markdown:
            click.echo(f"- [ ] `{one.where}` {one.what}")
        else:
            click.echo(str(one))
    click.echo(f"{len(found)} found" if found else "nothing found", err=True)
    if found:
        raise SystemExit(FOUND)
