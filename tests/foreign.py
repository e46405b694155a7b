"""A library that a person has kept for years before a list came: works of the list among them, in that person's way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from refsync.model import Entry

_TYPES = ("document", "journalArticle", "conferencePaper", "preprint", "report", "book", "webpage", "thesis")


def foreign(entries: Sequence[Entry], count: int, seed: int = 3) -> tuple[list[dict[str, Any]], set[str]]:
    """(`count` items of a person's, the keys of the entries that are among them). Some works are there twice, most under
    another type, with the person's own citation keys, titles in capitals, or no more than a DOI in Extra."""
    chance = random.Random(seed)
    words = sorted({word for one in entries for word in one.title.split() if word.isalpha()})
    known = [one for at, one in enumerate(entries) if at % 3 == 0 and len(one.title.split()) > 3]
    out: list[dict[str, Any]] = []
    for at, one in enumerate(known):
        out += [_kept(one, at, chance) for _ in range(1 + at % 2)]
    for at in range(count - len(out)):
        title = " ".join(chance.sample(words, chance.randint(4, 9)))
        out.append(
            {
                "itemType": chance.choice(_TYPES), "title": f"{title} {at}", "date": str(chance.randint(1990, 2024)),
                "creators": [{"creatorType": "author", "firstName": "Ann", "lastName": chance.choice(words).title()}],
                "citationKey": f"mine{at}", "abstractNote": "Mine. " * chance.randint(0, 100), "tags": [{"tag": f"t{at % 40}"}],
                "url": f"https://a.test/{at}" if at % 2 else "",
            }
        )  # fmt: skip
    chance.shuffle(out)
    return out, {one.key for one in known}


def _kept(entry: Entry, at: int, chance: random.Random) -> dict[str, Any]:
    """A work of the list as a person has it."""
    kind = ("document", "journalArticle", "preprint", "conferencePaper", "report")[at % 5]
    title = (entry.title, entry.title.upper(), f"{entry.title}.")[at % 3]
    people = [
        {"creatorType": "author", "firstName": (one.given or "X")[:1], "lastName": one.family or one.literal or "X"}
        for one in entry.authors[:3]
    ]
    made: dict[str, Any] = {
        "itemType": kind, "title": title, "creators": people, "citationKey": f"own{at}{chance.randint(0, 9)}",
        "tags": [{"tag": "read"}, {"tag": "auto", "type": 1}], "extra": "A line of mine", "abstractNote": "What I think",
    }  # fmt: skip
    if entry.year and at % 4:
        made["date"] = f"{entry.year}-05"
    if "doi" in entry.ids and at % 2:
        made["extra"] += f"\nDOI: {entry.ids['doi']}"
    if "arxiv" in entry.ids and not at % 2:
        made["url"] = f"http://arxiv.org/abs/{entry.ids['arxiv']}v2"
    return made
