"""Knows how the report of a build is shown: counts first, then at most ten things to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from refsync.build import Report

_EXAMPLES = 10


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def show(report: Report, path: Path, *, dry_run: bool) -> None:
    """The summary of a build on stderr: counts first, then at most ten things to look at."""
    catalog, result = report.catalog, report.result
    pages = sum(entry.kind == "web-page" for entry in catalog.entries)
    works = len(catalog.entries) - pages

    def say(label: str, text: str) -> None:
        click.echo(f"  {click.style(f'{label:<10}', fg='cyan')}{text}", err=True)

    click.echo(click.style(catalog.title or str(path), bold=True), err=True)
    left = f"; {counted(report.skipped, 'part')} left out" if report.skipped else ""
    resources = result.occurrences - result.papers
    read_counts = f"{counted(result.papers, 'paper')}" + (f" and {counted(resources, 'resource')}" if resources else "")
    say(
        "read",
        f"{counted(result.occurrences, 'entry', 'entries')} of {', '.join(report.sources)}: {read_counts}{left}",
    )
    repeats = result.occurrences - len(catalog.entries)
    made = counted(works, "work") + (f" and {counted(pages, 'web page')}" if pages else "")
    under = f" under {counted(result.headings, 'heading')}" if result.headings else ""
    say("merged", f"{made}{under}" + (f" ({counted(repeats, 'repeat')})" if repeats > 0 else ""))
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


def show_written(report: Report) -> None:
    """What a build wrote, in one line; nothing when everything was as it is."""
    if report.written.changed:
        click.echo(f"  {click.style('wrote     ', fg='green')}{', '.join(report.written.changed)}", err=True)


def _shortened(listed: tuple[str, ...]) -> str:
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


_LABELS = {
    "question": ("question", "questions"), "unsure": ("entry perhaps misread", "entries perhaps misread"),
    "missing-year": ("work without a year", "works without a year"),
    "missing-author": ("work without an author", "works without an author"),
    "missing-venue": ("work without a venue", "works without a venue"),
    "missing-title": ("entry without a title", "entries without a title"),
    "unknown-venue": ("unknown venue", "unknown venues"), "date": ("unread date", "unread dates"),
    "shared-id": ("identifier of two entries", "identifiers of two entries"),
    "crowded-label": ("crowded author-year label", "crowded author-year labels"),
    "pdflatex": ("entry beyond pdflatex", "entries beyond pdflatex"),
    "correction": ("correction without effect", "corrections without effect"),
}  # fmt: skip


def _show_problems(report: Report, path: Path) -> None:
    found = report.problems
    counts: dict[str, int] = {}
    for problem in found:
        counts[problem.check] = counts.get(problem.check, 0) + 1
    if found:
        parts = [counted(count, *_LABELS.get(name, ("problem", "problems"))) for name, count in counts.items()]
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
