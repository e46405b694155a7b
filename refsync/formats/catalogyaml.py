"""Knows the catalog in YAML as one format among the others: catalog.yaml is read and written as .bib and .ris are."""

from __future__ import annotations

from refsync.formats import Export, Reading, catalog
from refsync.formats.options import Options, without_fields
from refsync.mapping import Tables
from refsync.model import Catalog, Problem


def write(one: Catalog, tables: Tables, options: Options) -> Export:
    """The catalog in YAML, whole unless fields are left out on request."""
    return Export(text=catalog.write(without_fields(one, options)))


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a catalog. Raises Failure when the text is none."""
    one, problems = catalog.read(text, where)
    return reading_of(one, problems)


def reading_of(one: Catalog, problems: tuple[Problem, ...] = ()) -> Reading:
    """A catalog as what was read of a file."""
    return Reading(
        entries=one.entries, problems=problems, topics=one.topics, id=one.id, title=one.title, retired=one.retired
    )
