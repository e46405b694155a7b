"""Knows the options that say how an export is wished, which `build` and `convert` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

_OPTIONS = (
    click.option("--dialect", type=click.Choice(["bibtex", "biblatex"]), help="The dialect of .bib files."),
    click.option("--ascii", is_flag=True, default=None, help="Spell accents and symbols in .bib files as LaTeX commands."),
    click.option("--venues", type=click.Choice(["full", "short", "strings"]), help="Full names of venues, short ones, or macros whose names lie in venues.bib."),
    click.option("--preprints", type=click.Choice(["misc", "article", "unpublished"]), help="What a preprint is in .bib files."),
    click.option("--cited", multiple=True, metavar="FILE", type=click.Path(path_type=Path), help="Only what this .aux, .bcf, .tex, .md or .typ file cites. Repeatable."),
    click.option("--topic", metavar="PATH", help="Only what stands under this heading, such as 'Models > RNNs'."),
    click.option("--only", metavar="FIELDS", help="Only these fields, with commas between; +abstract adds one that is left out by default."),
    click.option("--omit", metavar="FIELDS", help="Without these fields, with commas between."),
    click.option("--for", "reader", type=click.Choice(["zotero"]), help="The program that will read the file."),
)  # fmt: skip


def wishes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options; `wished` makes a value of what they were called with."""
    return reduce(lambda one, option: option(one), reversed(_OPTIONS), command)


def wished(given: dict[str, Any]) -> Any:
    """The Wishes of the options that were given, which are taken out of `given`."""
    from refsync.formats.options import Wishes

    names = ("dialect", "ascii", "venues", "preprints", "cited", "topic", "only", "omit", "reader")
    values = {name: given.pop(name) for name in names}
    for name in ("only", "omit"):
        values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip()) if values[name] else None
    return Wishes(**{name: value for name, value in values.items() if value is not None})
