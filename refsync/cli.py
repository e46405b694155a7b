"""The command line: parses, calls one function, shows what came of it, sets the exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from refsync import __version__
from refsync.model import Failure, Problem

if TYPE_CHECKING:
    from refsync.build import Report
    from refsync.model import Account, Person, Skipped

FAILED, FOUND = 1, 3
_EXAMPLES = 10


class Refused(click.ClickException):
    """A Failure as one line on stderr, with its exit code."""

    def __init__(self, problem: Problem, code: int) -> None:
        super().__init__(str(problem))
        self.exit_code = code  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        """Writes the line."""
        click.echo(f"{click.style('refsync:', fg='red')} {self.format_message()}", err=True)


@contextmanager
def failures() -> Iterator[None]:
    """Turns a Failure, and a fault of the file system, into one line and an exit code."""
    try:
        yield
    except Failure as failure:
        raise Refused(failure.problem, failure.code) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except OSError as error:
        where = str(error.filename or "refsync")
        raise Refused(Problem(where=where, what=f"{error.strerror or error}."), FAILED) from None


def _tolerant(stream: TextIO) -> None:
    """Lets a terminal of any encoding show any title: what it cannot show is escaped, never an error."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="refsync %(version)s")
def cli() -> None:
    """Turns a survey list (an awesome list of papers) into a catalog and a bibliography.

    Begin with: refsync build PATH
    """


@cli.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--force", is_flag=True, help="Overwrite files that refsync did not write; accept a large loss of entries."
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def build(path: Path, force: bool, dry_run: bool) -> None:
    """Read the list(s) of a folder and write catalog.yaml and the exports.

    PATH is a folder or a list file; the current folder when left out. The network is never touched.
    """
    with failures():
        from refsync.build import build as built

        _show_report(built(path, force=force, dry_run=dry_run), path, dry_run=dry_run)


@cli.command()
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
        reading = survey.read(text, name)
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


def _text_of(source: str) -> tuple[str, str]:
    """(text, name) of a LIST. Raises Failure when there is none."""
    from refsync import documents, web

    if source == "-":
        return web.standard_input(), source
    if not web.is_address(source):
        return documents.text_of(Path(source)), source
    with web.Web(web.cache_folder()) as session:
        text, address = session.text(source)
    # The ending tells Markdown from reStructuredText; the address that the person gave names the list.
    return text, source if address == source else web.shown(address)


@cli.command()
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


# ---------------------------------------------------------------------------------------------------------------
# What is shown


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


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _show_report(report: Report, path: Path, *, dry_run: bool) -> None:
    """The summary of a build on stderr: counts first, then at most ten things to look at."""
    catalog, result = report.catalog, report.result
    pages = sum(entry.kind == "web-page" for entry in catalog.entries)
    works = len(catalog.entries) - pages

    def say(label: str, text: str) -> None:
        click.echo(f"  {click.style(f'{label:<10}', fg='cyan')}{text}", err=True)

    click.echo(click.style(catalog.title or str(path), bold=True), err=True)
    left = f"; {_counted(report.skipped, 'part')} left out" if report.skipped else ""
    resources = result.occurrences - result.papers
    read_counts = f"{_counted(result.papers, 'paper')}" + (
        f" and {_counted(resources, 'resource')}" if resources else ""
    )
    say(
        "read",
        f"{_counted(result.occurrences, 'entry', 'entries')} of {', '.join(report.sources)}: {read_counts}{left}",
    )
    repeats = result.occurrences - len(catalog.entries)
    made = _counted(works, "work") + (f" and {_counted(pages, 'web page')}" if pages else "")
    under = f" under {_counted(result.headings, 'heading')}" if result.headings else ""
    say("merged", f"{made}{under}" + (f" ({_counted(repeats, 'repeat')})" if repeats > 0 else ""))
    if result.retitled:
        say("retitled", f"{_shortened(result.retitled)}: keys kept")
    if result.gone:
        say("retired", f"{_shortened(result.gone)}: no longer in the list, keys kept for their return")
    written = report.written
    verb = "to write" if dry_run else "wrote"
    if written.changed:
        click.echo(f"  {click.style(f'{verb:<10}', fg='green')}{', '.join(written.changed)}", err=True)
    if written.unchanged:
        say("unchanged", ", ".join(written.unchanged) if written.changed else "everything")
    _show_problems(report, path)


def _shortened(listed: tuple[str, ...]) -> str:
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


_LABELS = {
    "question": ("question", "questions"), "unsure": ("entry perhaps misread", "entries perhaps misread"),
    "missing-year": ("work without a year", "works without a year"),
    "missing-author": ("work without an author", "works without an author"),
    "missing-venue": ("work without a venue", "works without a venue"),
    "missing-title": ("entry without a title", "entries without a title"),
    "unknown-venue": ("unknown venue", "unknown venues"), "date": ("unread date", "unread dates"),
    "correction": ("correction without effect", "corrections without effect"),
}  # fmt: skip


def _show_problems(report: Report, path: Path) -> None:
    found = report.problems
    counts: dict[str, int] = {}
    for problem in found:
        counts[problem.check] = counts.get(problem.check, 0) + 1
    if found:
        parts = [_counted(count, *_LABELS.get(name, ("problem", "problems"))) for name, count in counts.items()]
        click.echo(f"  {click.style('look at   ', fg='yellow')}{', '.join(parts)}", err=True)
    # One or two of each sort say more than ten of the first.
    share = max(1, _EXAMPLES // max(1, len(counts)))
    shown = 0
    for name in counts:
        for problem in [one for one in found if one.check == name][: share if len(counts) > 1 else _EXAMPLES]:
            if shown < _EXAMPLES:
                hint = problem.hint if problem.check in {"question", "correction", "merge", "key", ""} else ""
                click.echo(f"    {problem.where}: {problem.what}" + (f"\n      {hint}" if hint else ""), err=True)
                shown += 1
    if report.notices:
        names = ", ".join(dict.fromkeys(notice.where for notice in report.notices))
        click.echo(
            f"  {click.style('note      ', fg='yellow')}some fields have no place in {names}; the catalog keeps them",
            err=True,
        )
    if len(found) + len(report.notices) > shown:
        shown_path = "" if path == Path() else f" {path}"
        click.echo(f"  all {len(found) + len(report.notices)}: refsync check{shown_path}", err=True)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        _tolerant(stream)
    cli()
