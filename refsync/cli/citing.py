"""Knows the command `cite`: a few words in, how to cite what they mean out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refsync.cli.failing import failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refsync.catalogindex import Found

_CHOICES = 9
_FORMS = {"key": "{}", "latex": "\\cite{{{}}}", "typst": "@{}", "markdown": "[@{}]"}


@click.command()
@click.argument("query")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "form",
    type=click.Choice([*_FORMS, "bibtex"]),
    default="key",
    show_default=True,
    help="What is printed: the key, a citation in the language of your paper, or the entry.",
)
@click.option("--json", "as_json", is_flag=True, help="What was found, one JSON object a line, the best first.")
def cite(query: str, path: Path, form: str, as_json: bool) -> None:
    """Find an entry by a few words and print how to cite it.

    QUERY is words of the title, an author, a year, a nickname or a key, in any order ("swin", "he residual 2016"); slips
    are forgiven. PATH is a folder with a catalog.yaml, or a file of entries. Where several entries fit, a terminal is
    asked; without one nothing is guessed: they are named, and the exit code is 1.
    """
    with failures():
        from refsync import catalogindex, folders

        found = catalogindex.search(query, catalogindex.located(path), folders.cache_folder(), _CHOICES)
        if as_json:
            for one in found:
                click.echo(_line(one))
            if not found:
                raise _nothing(query)
            return
        chosen = _chosen(found, query)
        if sys.stderr.isatty():
            click.echo(_label(chosen), err=True)
        click.echo(_bibtex(chosen) if form == "bibtex" else _FORMS[form].format(chosen.key), nl=form != "bibtex")


def _chosen(found: Sequence[Found], query: str) -> Found:
    """The one entry that is meant. Raises Failure (exit 1) when it is not clear and nobody can be asked."""
    from refsync.model import Failure, Problem

    if not found:
        raise _nothing(query)
    exact = [one for one in found if one.key.casefold() == query.strip().casefold()]
    named = [one for one in found if one.hit.named]
    whole = [one for one in found if one.hit.whole]
    for some in (exact, named, whole):
        if len(some) == 1:
            return some[0]
    if sys.stdin.isatty() and sys.stderr.isatty():
        return _asked(found)
    what = f"{query!r} may mean {', '.join(one.key for one in found[:3])}{' or others' if len(found) > 3 else ''}."
    raise Failure(Problem(where="cite", what=what, hint="Say more of the title, an author or the year; or --json."))


def _asked(found: Sequence[Found]) -> Found:
    for number, one in enumerate(found, 1):
        click.echo(f"{number}  {_label(one)}", err=True)
    answer: int = click.prompt(
        "Which", type=click.IntRange(1, len(found)), default=1, err=True, show_default=True, show_choices=False
    )
    return found[answer - 1]


def _label(one: Found) -> str:
    about = ", ".join(part for part in (one.authors, one.venue, str(one.year or "")) if part)
    return f"{click.style(one.key, bold=True)}  {one.title}" + (f" ({about})" if about else "")


def _line(one: Found) -> str:
    value = {
        "key": one.key,
        "title": one.title,
        "authors": one.authors,
        "year": one.year,
        "venue": one.venue,
        "score": one.hit.score,
        "whole": one.hit.whole,
    }
    return json.dumps(value, ensure_ascii="utf" not in (sys.stdout.encoding or "").lower())


def _nothing(query: str) -> Exception:
    from refsync.model import Failure, Problem

    return Failure(
        Problem(where="cite", what=f"no entry fits {query!r}.", hint="Try fewer words, or another spelling.")
    )


def _bibtex(one: Found) -> str:
    from refsync.formats import bibtex
    from refsync.formats import catalog as catalog_file
    from refsync.formats.options import PLAIN
    from refsync.mapping import Tables

    catalog = catalog_file.read_lines(one.catalog, one.key)
    return bibtex.write(catalog, Tables(), PLAIN).text.split("\n\n")[1].rstrip() + "\n"
