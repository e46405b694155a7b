"""Knows the command `read`: what the reader sees in a list."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli.failing import failures
from refsync.model import Failure, Problem

if TYPE_CHECKING:
    from refsync.model import Account, Person, Skipped


@click.command()
@click.argument("source", metavar="LIST")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, in document order.")
@click.option("--skipped", is_flag=True, help="Show what was left out, and why, instead.")
def read(source: str, as_json: bool, skipped: bool) -> None:
    """Show what the reader sees in a list, entry by entry, before anything is merged.

    LIST is a file, - for standard input, a repository or a file on GitHub, or the address of any list on the web.
    """
    with failures():
        from refsync.formats import survey

        text, name = _text_of(source)
        with _progress() as told:
            reading = survey.read(text, name, told=told)
        ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
        for one in reading.skipped if skipped else reading.accounts:
            if as_json:
                click.echo(json.dumps(_account_value(one), ensure_ascii=ascii_only))
            else:
                click.echo(_account_line(one))
        if not reading.accounts and not skipped:
            what = "no entries found." if reading.skipped else "is empty."
            raise Failure(Problem(where=name, what=what, hint="`refsync read --skipped` shows what was left out."))
        if not as_json:
            kinds = [one.kind for one in reading.accounts]
            counts = f"{len(kinds)} entries: {kinds.count('paper')} papers, {kinds.count('resource')} resources"
            click.echo(f"{counts}; {len(reading.skipped)} parts left out", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Shows how much is done, 0..1, on a terminal, when it takes more than a second."""
    started = time.monotonic()
    with ExitStack() as stack:
        bars: list[Any] = []

        def told(share: float) -> None:
            if not bars and time.monotonic() - started > 1 and sys.stderr.isatty():
                bars.append(stack.enter_context(click.progressbar(length=100, label="Reading", file=sys.stderr)))
            for bar in bars:
                bar.update(round(share * 100) - bar.pos)

        yield told


def _text_of(source: str) -> tuple[str, str]:
    """(text, name) of a LIST. Raises Failure when there is none."""
    from refsync import documents, folders, web

    if source == "-":
        return web.standard_input(), source
    if not web.is_address(source):
        return documents.text_of(Path(source)), source
    with web.Web(folders.cache_folder()) as session:
        text, address = session.text(source)
        for problem in session.problems:
            click.echo(str(problem), err=True)
    # The ending tells Markdown from reStructuredText; the address that the person gave names the list.
    return text, source if address == source else web.shown(address)


def _account_value(one: Account | Skipped) -> dict[str, Any]:
    """One account (or part left out) as the contract's JSON object."""
    from refsync.model import Account

    if not isinstance(one, Account):
        return {"file": one.file, "line": one.line, "last_line": one.last_line, "why": one.why, "raw": one.raw}
    people = [_person_value(person) for person in one.authors]
    return {
        "file": one.file, "line": one.line, "last_line": one.last_line, "topic": list(one.topic), "title": one.title,
        "aka": one.aka, "authors": people, "et_al": one.et_al, "venue": one.venue, "year": one.year, "month": one.month,
        "arxiv_id": one.ids.get("arxiv"), "doi": one.ids.get("doi"), "url": one.url, "links": dict(one.links),
        "group": one.group, "tags": list(one.tags), "has_code": one.has_code, "rating": one.rating,
        "comment": one.comment, "kind": one.kind, "inferred": list(one.inferred), "confidence": one.confidence,
        "doubts": list(one.doubts),
        "raw": one.raw,
    }  # fmt: skip


def _person_value(person: Person) -> dict[str, str]:
    """A name as programs read it: the family whole ("van den Oord"), and what of it is the particle ("van den")."""
    parts = {name: getattr(person, name) for name in ("family", "given", "particle", "suffix", "literal")}
    if person.particle:
        parts["family"] = f"{person.particle} {person.family}"
    return {name: part for name, part in parts.items() if part}


def _account_line(one: Account | Skipped) -> str:
    from refsync import names
    from refsync.model import Account

    place = click.style(f"{one.line:>5}", fg="cyan")
    if not isinstance(one, Account):
        return f"{place}  {one.why}: {' '.join(one.raw.split())[:100]}"
    people = ", ".join(names.natural(person) for person in one.authors) + (" et al." if one.et_al else "")
    venue = " ".join(str(part) for part in (one.venue, one.year) if part)
    return f"{place}  {click.style(one.title, bold=True)}" + "".join(f"  | {part}" for part in (people, venue) if part)
