"""Knows front and back matter: bullets and sentences before the first entry of a list or after the last that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from refsync.model import Account

_FEW = 5  # entries of a list, below which nothing is usual


def around(accounts: Sequence[Account]) -> dict[int, str]:
    """The accounts, by their place among all of a list in document order, that are no works, and why.

    What most papers of the list have decides: "From old to state-of-the-art", with neither year nor address under a
    heading where nothing has them, is no work when the works that follow have both. What has a year, authors, an
    address or an identifier of its own is never put aside, nor what has works beside it or on both sides.
    """
    papers = [(at, _told(one)) for at, one in enumerate(accounts) if one.kind == "paper"]
    often = Counter(name for _, told in papers for name in told)
    usual = {name for name, count in often.items() if count * 5 >= len(papers) * 4}
    full = [at for at, told in papers if usual <= told]
    if len(papers) < _FEW or not usual or not full:
        return {}
    topics = {accounts[at].topic for at in full}
    return {
        at: f"prose {'before the first' if at < full[0] else 'after the last'} entry"
        for at, told in papers
        if not full[0] < at < full[-1]
        and accounts[at].topic not in topics
        and told <= {"venue"}
        and not accounts[at].ids
        and len(usual - told) * 2 >= len(usual)
    }


def _told(account: Account) -> set[str]:
    """What the line itself says of a work beside its title."""
    there = {"venue": account.venue, "year": account.year, "authors": account.authors, "url": account.url}
    return {name for name, value in there.items() if value and name not in account.inferred}
