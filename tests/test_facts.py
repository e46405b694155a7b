"""Which facts a work takes from the records that were accepted for it: cases of one work and its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from refsync import documents, facts, names, venues
from refsync.candidates import Found
from refsync.formats.catalog import date_of, date_text
from refsync.model import Date, Entry, Said, Venue

CASES = documents.parsed((Path(__file__).parent / "cases" / "facts.yaml").read_text(encoding="utf-8"), "facts.yaml")
TABLE = venues.load()


def entry(value: dict[str, Any]) -> Entry:
    place = value.get("venue")
    short = TABLE.short(place) if place else None
    return Entry(
        kind=value.get("kind", "document"),
        title=value.get("title", "Learning to Rank with Graph Networks"),
        aka=tuple(value.get("aka", ())),
        authors=tuple(map(names.person, value.get("authors", ()))),
        authors_complete=value.get("complete", True) if "authors" in value else None,
        date=date_of(value["date"]) if "date" in value else None,
        venue=TABLE.venue(short) if short else Venue(name=place, series=value.get("series")) if place else None,
        volume=value.get("volume"),
        pages=value.get("pages"),
        ids=value.get("ids", {}),
        links=value.get("links", {}),
        said={name: Said(by=by) for name, by in value.get("said", {}).items()},
    )


def shown(work: Entry) -> dict[str, Any]:
    return {
        "kind": work.kind, "title": work.title, "authors": [names.natural(one) for one in work.authors],
        "complete": work.authors_complete, "date": date_text(work.date) if isinstance(work.date, Date) else None,
        "venue": (work.venue.short or work.venue.name) if work.venue else None, "volume": work.volume, "pages": work.pages,
        "ids": dict(work.ids), "links": dict(work.links), "aka": list(work.aka),
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_what_is_learned(case: dict[str, Any]) -> None:
    work = entry(case["work"])
    records = [Found(entry=entry(one), by=f"source {at}", via=work.title) for at, one in enumerate(case["records"])]
    after = facts.learned(work, records, "2026-11-24", adds_only=case.get("adds only", False))
    seen = shown(after)
    assert {name: seen[name] for name in case["gives"]} == case["gives"]
    again = facts.learned(after, records, "2027-01-01", adds_only=case.get("adds only", False))
    assert shown(again) == seen, "learning it again changes nothing"


def test_a_fact_names_who_said_it_and_keeps_its_day() -> None:
    work = entry({})
    record = Found(entry=entry({"authors": ["Ann Smith"], "date": 2021}), by="crossref", via=work.title)
    after = facts.learned(work, [record], "2026-11-24")
    assert after.said["authors"] == Said(by="crossref", on="2026-11-24", via=work.title)
    assert facts.learned(after, [record], "2027-01-01").said == after.said
