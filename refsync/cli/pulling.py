"""Knows the command `pull`: what a person changed in the library becomes lines of corrections.yaml."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli import opening, plans
from refsync.cli.failing import failures

if TYPE_CHECKING:
    from refsync.sync.pulling import Edit, Pulled


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--library", "spec", metavar="SPEC", help="As for `sync`.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken over, and write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Write corrections.yaml without asking.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def pull(path: Path, spec: str | None, dry_run: bool, is_sure: bool, as_json: bool) -> None:
    """Take over what was changed in Zotero: as lines of corrections.yaml, which are shown first.

    The library is only read. Run `refsync build` or `refsync sync` afterwards.
    """
    with failures():
        from refsync import correcting, corrections, documents, files, venues
        from refsync.sync import run as running
        from refsync.sync.base import BaseFile
        from refsync.sync.pulling import proposed

        folder, wanted, catalog = opening.built(path, spec, dry_run=True)
        tables = wanted.tables(folder)
        with opening.opened(folder, wanted, spec, catalog, writes=False) as (place, library, kept, desired):
            base = BaseFile(kept.base, place.owner(catalog.id)).load()
            library.look_for(desired, base)
            seen, base, notes = running.looked(library, None, base)
            found = proposed(
                catalog, desired, seen, base, tables=tables, settings=wanted, venues=venues.load(tables.folder)
            )
            who = library.authors([one.zotero_key for one in found.edits])
        for note in notes:
            click.echo(f"  {note}", err=True)
        named = correcting.names(catalog, corrections.load(folder, tables.kinds).fixes)
        lines = [
            correcting.Line(
                name=named.get(one.key, one.key),
                fields={name: new for name, (_, new) in one.fields.items()},
                comment=correcting.comment(one.title, who.get(one.zotero_key, ""), one.when),
            )
            for one in found.edits
        ]
        file = folder / corrections.FILE
        text = documents.text_of(file, corrections.FILE) if file.exists() else ""
        if file.exists() and b"\r\n" in file.read_bytes():
            text = text.replace("\n", "\r\n")
        after = correcting.added(text, lines) if lines else text
        if not as_json:
            _show(found.edits)
        for problem in found.left:
            click.echo(f"  ! {problem}", err=True)
        writes = bool(lines) and not dry_run and (is_sure or (not as_json and _confirmed(len(lines))))
        if writes:
            files.write({file: after})
        if as_json:
            click.echo(json.dumps(_value(found, who, is_written=writes), ensure_ascii=False))
        elif not lines:
            click.echo("  nothing to take over", err=True)
        elif writes:
            click.echo(f"  wrote {corrections.FILE}; now: refsync sync", err=True)
        else:
            click.echo("  nothing was written; --yes writes corrections.yaml", err=True)


def _show(edits: Iterable[Edit]) -> None:
    for one in edits:
        click.echo(f"  ~ {one.key}")
        for name, (old, new) in one.fields.items():
            click.echo(f"      {name}: {plans.text(old) or '-'} -> {plans.text(new) or '-'}")


def _value(found: Pulled, who: Mapping[str, str], *, is_written: bool) -> dict[str, Any]:
    rows = [
        {"key": one.key, "zotero_key": one.zotero_key, "who": who.get(one.zotero_key, ""), "when": one.when,
         "fields": {name: list(pair) for name, pair in one.fields.items()}}
        for one in found.edits
    ]  # fmt: skip
    return {"written": is_written, "edits": rows, "left": [{"key": one.where, "why": one.what} for one in found.left]}


def _confirmed(count: int) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"  write {count} into corrections.yaml?", err=True)
