"""Knows CSL-YAML: the variables of CSL-JSON as YAML, which pandoc reads from a file or from the head of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from refsync import documents
from refsync.formats import Export, Reading, csl
from refsync.formats.catalog import MARKER
from refsync.formats.options import Options
from refsync.mapping import Tables
from refsync.model import Catalog, Problem


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """The items under `references`, one variable a line."""
    items, problems = csl.items(catalog, tables, options)
    text = documents.written({"references": [dict(item) for item in items]})
    return Export(text=f"{MARKER}\n{text}", problems=problems)


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a CSL-YAML file. Raises Failure when it is not YAML."""
    problems: list[Problem] = []
    value = documents.parsed(text, where)
    entries = csl.works(_items(value, where, problems), tables, problems)
    return Reading(entries=tuple(entries), problems=tuple(problems))


def _items(value: Any, where: str, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    found = value.get("references") if isinstance(value, dict) else value
    if not isinstance(found, list):
        problems.append(Problem(where=where, what="holds no `references`.", hint="CSL-YAML is a list of items."))
        return
    for number, item in enumerate(found, 1):
        here = f"{where}: item {number}"
        if isinstance(item, dict):
            yield here, {str(name): one for name, one in item.items()}
        else:
            problems.append(Problem(where=here, what="is no reference.", hint="Remove it."))
