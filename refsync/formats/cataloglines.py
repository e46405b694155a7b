"""Knows the catalog in JSON Lines as one format among the others, for programs that read a line at a time."""

from __future__ import annotations

from refsync.formats import Export, Reading, catalog
from refsync.formats.catalogyaml import reading_of
from refsync.formats.options import Options, without_fields
from refsync.mapping import Tables
from refsync.model import Catalog


def write(one: Catalog, tables: Tables, options: Options) -> Export:
    """The mapping without entries, then an entry a line, with its origin."""
    return Export(text=catalog.write_lines(without_fields(one, options)))


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a catalog. Raises Failure when the text is none."""
    return reading_of(catalog.read_lines(text, where))
