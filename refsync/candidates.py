"""Knows which records of a source are a work of the list: accepted with the evidence, asked, or passed over.

An identifier decides and the title confirms it. Without one the titles must be equal, or differ only as spellings do, and
nothing that both state may speak against it. Search scores are never looked at: they order hits, and prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refsync import matching, merging, titles
from refsync.matching import Verdict
from refsync.model import Entry

ASKED = 80  # token_sort_ratio from which a person is asked whether a record is meant
_SHORT_WORDS, _SHORT = 4, 25  # a title of fewer words or characters than this names a field as often as a work
# Words that make another work of a title by standing before a word of it.
_MODIFIERS = frozenset(
    [
        "anti",
        "cross",
        "few",
        "hyper",
        "inter",
        "intra",
        "micro",
        "mini",
        "multi",
        "no",
        "non",
        "not",
        "one",
        "over",
        "pseudo",
        "quasi",
        "self",
        "semi",
        "sub",
        "super",
        "un",
        "under",
        "weakly",
        "without",
        "zero",
    ]
)
_ARTICLES = frozenset(["a", "an", "the", "and"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A record of a source that may be a work: who gave it (`by`), and the identifier or title it was found through."""

    entry: Entry
    by: str
    via: str
    is_identified: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What is made of the candidates for a work: those accepted, those to ask a person about, and why."""

    accepted: tuple[Found, ...] = ()
    asked: tuple[Found, ...] = ()
    why: str = ""
    is_conflict: bool = False


def chosen(work: Entry, found: Sequence[Found]) -> Choice:
    """Which of the candidates are `work`. Records that an identifier found come first: where one of them is accepted, a
    title only adds records that the identifier does not contradict."""
    identified = [one for one in found if one.is_identified]
    agreed = [one for one in identified if by_identifier(work, one.entry).same]
    if identified and not agreed:
        one = identified[0]
        return Choice(asked=(one,), why=f"link and title disagree: {one.via} is {one.entry.title!r}", is_conflict=True)
    judged = [(one, by_title(work, one.entry)) for one in found if not one.is_identified]
    accepted = [one for one, verdict in judged if verdict.same]
    accepted = [one for one in accepted if _forms(work) & _forms(one.entry)] or accepted
    if agreed:
        known = merging.merged([one.entry for one in agreed])
        return Choice(accepted=(*agreed, *(one for one in accepted if not matching.contradiction(known, one.entry))))
    if not accepted:
        return _question(work, [(one, verdict) for one, verdict in judged if verdict.same is None])
    groups, _ = matching.groups([one.entry for one in accepted])
    if len(groups) > 1:
        heads = tuple(accepted[members[0]] for members in groups)
        return Choice(asked=heads, why=f"{len(heads)} works have this title")
    return Choice(accepted=tuple(accepted))


def _question(work: Entry, doubtful: Sequence[tuple[Found, Verdict]]) -> Choice:
    """The candidates that a person is asked about, nearest first, with what speaks against the first."""
    form = titles.comparison(work.title)
    ranked = sorted(doubtful, key=lambda pair: -matching.similarity(form, titles.comparison(pair[0].entry.title)))
    return Choice(asked=tuple(one for one, _ in ranked[:3]), why=ranked[0][1].reason if ranked else "")


def by_identifier(work: Entry, record: Entry) -> Verdict:
    """Whether the record that an identifier of the work names is the work. Who gave the identifier by hand is believed."""
    if "ids" in work.said and work.said["ids"].by == merging.CORRECTIONS:
        return Verdict(True, "a person gave the identifier")
    verdicts = [
        matching.same_identifier(Entry(title=title), record) for title in (work.title, *work.aka) if title.strip()
    ]
    return next((one for one in verdicts if one.same), verdicts[0] if verdicts else Verdict(True, "one identifier"))


def by_title(work: Entry, record: Entry) -> Verdict:
    """Whether a record that was found by its title is the work: True only where nothing speaks against it."""
    if not titles.comparison(record.title):
        return Verdict(False, "the record has no title")
    against = matching.contradiction(work, record)
    years = work.year and record.year and abs(work.year - record.year) > 1
    if shared := _forms(work) & _forms(record):
        if against:
            return Verdict(None, f"the titles are equal, but {against}")
        if years and not matching.share_author(work, record):
            return Verdict(None, f"the titles are equal, but the years {work.year} and {record.year} differ")
        if not any(_tells_enough(form, work, record) for form in shared):
            return Verdict(None, "the title is short, and nothing else tells")
        return Verdict(True, "one title")
    if against or years:
        return Verdict(False, "the titles differ")
    return max(
        (_near(title, work, record) for title in (work.title, *work.aka)), key=lambda one: (one.same is None, one.same)
    )


def _near(title: str, work: Entry, record: Entry) -> Verdict:
    ours, theirs = titles.comparison(title), titles.comparison(record.title)
    score = matching.similarity(ours, theirs)
    if _is_short(ours) or _is_short(theirs) or matching.turns(ours, theirs):
        return Verdict(False, "the titles differ")
    if score >= matching.NEAR and is_respelt(ours, theirs):
        return Verdict(True, f"one title, spelt otherwise ({score:.0f} of 100)")
    if _is_headed(title, record.title) and work.year and record.year == work.year:
        return Verdict(True, "one title, with and without the name before it")
    if score >= matching.NEAR and _has_one_word_more(ours, theirs):
        if (head := _head(title)) and head == _head(record.title):
            return Verdict(True, f"one name, and all but one word ({score:.0f} of 100)")
        if _has_evidence(work, record):
            return Verdict(True, f"all but one word, in one place and year ({score:.0f} of 100)")
    if score >= ASKED or _is_part(title, record.title):
        return Verdict(None, f"the titles are nearly alike ({score:.0f} of 100)")
    return Verdict(False, "the titles differ")


def _forms(entry: Entry) -> set[str]:
    """The titles of an entry in comparison form; nicknames of one or two words name too many works."""
    forms = {titles.comparison(title) for title in entry.aka}
    return ({form for form in forms if len(form.split()) > 2} | {titles.comparison(entry.title)}) - {""}


def _is_short(form: str) -> bool:
    return form.isascii() and (len(form.split()) < _SHORT_WORDS or len(form) < _SHORT)


def _tells_enough(form: str, work: Entry, record: Entry) -> bool:
    """Whether an equal title is evidence: a short one needs the year beside it, one of three words the venue too."""
    if not _is_short(form) or _has_evidence(work, record):
        return True
    return len(form.split()) >= _SHORT_WORDS and bool(work.year and record.year)  # within one year, by now


def _has_evidence(work: Entry, record: Entry) -> bool:
    """Whether more than the title agrees: an author, or venue and year together."""
    if matching.share_author(work, record):
        return True
    if not (work.venue and record.venue and work.year and work.year == record.year):
        return False
    if work.venue.short and work.venue.short == record.venue.short:
        return True
    if work.venue.kind == record.venue.kind == "workshop":  # a list names a workshop by its conference
        return (work.venue.short or work.venue.name).split()[0] in record.venue.name.split()
    return False


def is_respelt(ours: str, theirs: str) -> bool:
    """Whether two comparison forms differ only as spellings do: hyphens, plurals, a letter, British and American, "the"."""
    for ours_only, theirs_only in matching.apart(ours, theirs):
        old = [word for word in ours_only if word not in _ARTICLES]
        new = [word for word in theirs_only if word not in _ARTICLES]
        if "".join(old) == "".join(new):
            continue
        if len(old) != len(new) or not all(map(_is_misspelt, old, new)):
            return False
    return True


def _is_misspelt(first: str, second: str) -> bool:
    """Whether a word is another one misspelt: "supervised" and "unsupervised" are two words, whatever the distance."""
    if first[:3] != second[:3]:
        return False
    return matching.edits(first, second) <= (1 if min(len(first), len(second)) < 9 else 2)


def _has_one_word_more(ours: str, theirs: str) -> bool:
    """Whether one title has a word that the other lacks, before its end: what follows a title makes a sequel of it, and
    what it lacks at its end makes another work."""
    shorter, longer = sorted((ours.split(), theirs.split()), key=len)
    if len(longer) != len(shorter) + 1:
        return False
    at = next((at for at, word in enumerate(shorter) if word != longer[at]), len(shorter))
    return at < len(shorter) and shorter[at:] == longer[at + 1 :] and longer[at] not in _MODIFIERS


def _head(title: str) -> str:
    """The name that stands before the colon of a title, "" for none."""
    head, colon, _ = title.partition(":")
    form = titles.comparison(head)
    return form if colon and 0 < len(form.split()) <= 2 and len(form) > 3 else ""


def _is_headed(ours: str, theirs: str) -> bool:
    """Whether one title is the other with a name and a colon before it, and what is left tells enough."""
    for head, _, of_rest, form in titles.parted(ours, theirs):
        if len(head.split()) == 1 and not any(map(str.isdigit, head)) and of_rest == form:
            return len(form.split()) >= 5
    return False


def _is_part(ours: str, theirs: str) -> bool:
    """Whether one title is all that the other has before or after its colon: worth asking, and no more."""
    return any(
        len(form.split()) >= 3 and form in {of_head, of_rest}
        for _, of_head, of_rest, form in titles.parted(ours, theirs)
    )
