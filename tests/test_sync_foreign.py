"""A list that comes into a library that a person has kept for years: what is filled there stays, nothing is there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import EXAMPLE
from tests.faults import SETTINGS, wanted
from tests.foreign import foreign
from tests.library import world
from tests.test_example import catalog_of

EMPTY: tuple[Any, ...] = ("", [], {}, False, None)
CHANGING = frozenset({"version", "dateModified"})


def test_what_is_filled_stays_and_nothing_is_there_twice(tmp_path: Path) -> None:
    entries = catalog_of(EXAMPLE).entries
    items, known = foreign(entries, 5000)
    list_ = wanted("first")
    with world(tmp_path, settings=SETTINGS) as there:
        kept, *_ = there.add("items", *items)
        (shelf,) = there.add("collections", {"name": "Mine"})
        there.edit("items", kept, collections=[shelf])
        before = there.all("items")
        there.sync(list_)
        after = there.all("items")
        new = {key for key in after if key not in before and after[key]["itemType"] != "attachment"}
        works = {one["citationKey"] for key, one in after.items() if key in new}
        assert before.keys() <= after.keys()
        for key, data in before.items():
            kept = {name: one for name, one in data.items() if one not in EMPTY and name not in CHANGING}
            now = after[key]
            assert set(kept.pop("collections", ())) <= set(now["collections"])
            assert {name: now[name] for name in kept} == kept
        assert works == {one.key for one in entries} - known, (
            "each work is there once, in the person's item or a new one"
        )
        placed = [key for key in before if set(after[key]["collections"]) - {shelf}]
        assert len(placed) == len(known), "each work of the list that was there has its place in the tree, once"
        version = there.version
        again = there.sync(list_)
        assert (again.writes, again.plan.changes, there.version) == (0, (), version)
