"""Knows the command `add`: a work into the list, in the section's own style."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli.failing import failures
from refsync.model import Failure, Problem

if TYPE_CHECKING:
    from refsync.adding import Addition
    from refsync.model import Account, Entry

_REFUSED = 4


@click.command()
@click.argument("name", metavar="ID")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--topic", required=True, metavar="T", help="The heading it goes under, such as 'RNNs' or 'Models > RNNs'."
)
@click.option("--yes", "is_sure", is_flag=True, help="Write it without asking.")
@click.option("--dry-run", is_flag=True, help="Show the line and its place, and write nothing.")
@click.option("--offline", is_flag=True, help="Ask no server: only answers that were kept.")
@click.option("--title", help="The title, where no source knows it or it should be another.")
@click.option("--author", "authors", multiple=True, metavar="NAME", help="An author. Repeatable, in their order.")
@click.option("--venue", help="Where it appeared, such as CVPR.")
@click.option("--year", type=click.IntRange(1000, 9999), help="When it appeared.")
@click.option("--url", metavar="URL", help="The address of the paper, where it should be another than that of ID.")
@click.option(
    "--link", "links", multiple=True, metavar="LABEL=URL", help="A link, such as code=https://... Repeatable."
)
@click.option("--tag", "tags", multiple=True, help="A tag, where the section has tags. Repeatable.")
@click.option("--group", help="The group behind it, where the section names groups.")
@click.option("--aka", metavar="NAME", help="Its short name, where the section has short names.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: file, line, text, topic, written.")
def add(
    name: str, path: Path, topic: str, is_sure: bool, dry_run: bool, offline: bool, as_json: bool, **given: Any
) -> None:
    """Write a work into the list: at its place, in the shape that its neighbours have.

    ID is a DOI, an arXiv number, a link, or a file (- for standard input) with one object of `refsync read --json`. The
    line is shown first and written when you say so. No other byte of the list changes.
    """
    with failures():
        from refsync import adding

        addition = adding.planned(_account(name, path, offline=offline, given=given), topic, path)
        if not as_json:
            _show(addition)
        is_written = not dry_run and (is_sure or _confirmed(addition))
        if is_written:
            adding.write(addition)
        if as_json:
            one = addition.insertion
            value = {"file": addition.name, "line": one.line, "text": one.written, "topic": list(addition.topic)}
            click.echo(json.dumps({**value, "left_out": list(one.left_out), "written": is_written}, ensure_ascii=False))
        elif is_written:
            click.echo(f"wrote {addition.name}:{addition.insertion.line}", err=True)
        if not (is_written or dry_run):
            hint = "Pass --yes to write it."
            problem = Problem(where=addition.name, what="the line was not written: nobody said yes.", hint=hint)
            raise Failure(problem, code=_REFUSED)


def _show(addition: Addition) -> None:
    one = addition.insertion
    click.echo(f"{addition.name}:{one.line}, under {' > '.join(addition.topic) or 'no heading'}:", err=True)
    click.echo(one.written)
    if one.left_out:
        click.echo(f"the neighbours have no place for: {', '.join(one.left_out)}", err=True)


def _confirmed(addition: Addition) -> bool:
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"Write that into {addition.name}?", err=True)


def _account(name: str, path: Path, *, offline: bool, given: dict[str, Any]) -> Account:
    """What sources and the options say of the work."""
    from refsync import adding, names
    from refsync.model import Account

    stated = Account(
        file="",
        line=0,
        last_line=0,
        title=given["title"] or "",
        authors=tuple(map(names.person, given["authors"])),
        venue=given["venue"],
        year=given["year"],
        url=given["url"],
        links=_links(given["links"]),
        tags=given["tags"],
        group=given["group"],
        aka=given["aka"],
    )
    if name == "-" or Path(name).is_file():
        return _told(name, stated)
    ids, url = adding.identified(name)
    return adding.account_of(_looked_up(ids, path, offline=offline) if ids else None, ids, url, stated)


def _links(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        label, equals, href = one.partition("=")
        if not (equals and label.strip() and href.strip()):
            hint = "Say it as code=https://github.com/..."
            raise Failure(Problem(where="--link", what=f"{one!r} is no LABEL=URL.", hint=hint), code=2)
        found[label.strip().lower()] = href.strip()
    return found


def _told(name: str, stated: Account) -> Account:
    """The work that a file describes, as `refsync read --json` does."""
    from dataclasses import replace

    from refsync import adding, documents, web

    where = "standard input" if name == "-" else name
    text = web.standard_input() if name == "-" else documents.text_of(Path(name), name)
    try:
        told = adding.told(documents.json_of(text.strip()))
    except (ValueError, TypeError, AttributeError):
        hint = "Give it a line of `refsync read --json`."
        raise Failure(Problem(where=where, what="is no JSON object that describes a work.", hint=hint)) from None
    over = {
        key: value
        for key in ("title", "authors", "venue", "year", "url", "links", "tags", "group", "aka")
        if (value := getattr(stated, key))
    }
    return adding.account_of(None, dict(told.ids), told.url, replace(told, **over))


def _looked_up(ids: dict[str, str], path: Path, *, offline: bool) -> Entry | None:
    from datetime import date

    from refsync import adding
    from refsync.cli.resolving import asking

    with asking(path, date.today().isoformat(), offline=offline) as (sources, wanted):
        return adding.looked_up(ids, sources, wanted)
