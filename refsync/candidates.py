"""Knows which records of a source are a work of the list: accepted with the evidence, asked, or passed over.

An identifier decides and the title confirms it. Without one the titles must be equal, or differ only as spellings do, and
nothing that both state may speak against it. Search scores are never looked at: they order hits, and prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from refsync import matching, merging, names, titles
from refsync.matching import Verdict
from refsync.model import Entry, Venue

ASKED = 80  # token_sort_ratio from which a person is asked whether a record is meant
# Above the nearest wrong title: bibtex-updater 1.12.0 (fact_checker.py) measured wrong ones under one arXiv id up to 71,
# and "Transformers in Vision: A Survey" is 72 from the one in Time Series.
CONFIRMED = 73
_SHORT_WORDS, _SHORT = 4, 25  # a title of fewer words or characters than this names a field as often as a work
# Words that make another work of a title by standing before a word of it.
_MODIFIERS = frozenset(
    [
        "anti",
        "cross",
        "few",
        "hyper",
        "inter",
        "meta",
        "post",
        "pre",
        "re",
        "co",
        "bi",
        "fully",
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
# Kinds that a paper is not, though one of its title may well exist.
_NO_PAPERS = frozenset(["thesis", "patent", "software", "dataset", "presentation", "standard"])


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
    agreed = [one for one in identified if by_identifier(work, one).same]
    confirmed = {one.via for one in agreed}
    if wrong := next((one for one in identified if one.via not in confirmed), None):
        why = f"link and title disagree: {wrong.via} is {wrong.entry.title!r}"
        return Choice(asked=(wrong,), why=why, is_conflict=True)
    if odd := next((pair for pair in combinations(agreed, 2) if not _agree(pair[0].entry, pair[1].entry)), None):
        first, second = odd
        why = f"its identifiers name two works: {first.via} is {_shown(first)}, {second.via} is {_shown(second)}"
        return Choice(asked=odd, why=why, is_conflict=True)
    judged = [(one, by_title(work, one.entry)) for one in found if not one.is_identified]
    accepted = [one for one, verdict in judged if verdict.same]
    accepted = [one for one in accepted if _forms(work) & _forms(one.entry)] or accepted
    if agreed:
        known = merging.merged([one.entry for one in agreed])
        return Choice(accepted=(*agreed, *(one for one in accepted if not matching.contradiction(known, one.entry))))
    if not accepted:
        return _question(work, [(one, verdict) for one, verdict in judged if verdict.same is None])
    heads = _works([one.entry for one in accepted])
    if len(heads) > 1:
        return Choice(asked=tuple(accepted[at] for at in heads), why=f"{len(heads)} works have this title")
    return Choice(accepted=tuple(accepted))


def _works(records: Sequence[Entry]) -> list[int]:
    """The first record of each work that records of one title are of. One without authors is no bridge: it is of another
    work as soon as it names another place of publication."""
    groups, _ = matching.groups(records)
    heads = [members[0] for members in groups]
    for members in groups:
        known = [at for at in members if records[at].authors]
        heads += [
            at
            for at in members
            if known and at not in known and all(_are_apart(records[at], records[one]) for one in known)
        ]
    return sorted(set(heads))


def _agree(first: Entry, second: Entry) -> bool:
    """Whether the records of two identifiers of one work can be of one work."""
    if first.authors and second.authors and not matching.share_author(first, second):
        return False
    return _confirms(first, second, first.title) or _confirms(second, first, second.title)


def _shown(one: Found) -> str:
    who = one.entry.authors[0].family or one.entry.authors[0].literal if one.entry.authors else None
    return f"{one.entry.title!r}" + (f" of {who}" if who else "")


def _question(work: Entry, doubtful: Sequence[tuple[Found, Verdict]]) -> Choice:
    """The candidates that a person is asked about, nearest first, with what speaks against the first."""
    form = titles.comparison(work.title)
    ranked = sorted(doubtful, key=lambda pair: -matching.similarity(form, titles.comparison(pair[0].entry.title)))
    return Choice(asked=tuple(one for one, _ in ranked[:3]), why=ranked[0][1].reason if ranked else "")


def by_identifier(work: Entry, found: Found) -> Verdict:
    """Whether the record that an identifier of the work names is the work. Who gave that identifier by hand is believed."""
    scheme = found.via.partition(":")[0]
    if (said := work.said.get(f"ids.{scheme}")) and said.by == merging.CORRECTIONS:
        return Verdict(True, "a person gave the identifier")
    stated = [title for title in (work.title, *work.aka) if title.strip()]
    if not stated or any(_confirms(work, found.entry, title) for title in stated):
        return Verdict(True, "one identifier")
    return Verdict(None, f"the title of {found.via} is {found.entry.title!r}")


def follows(work: Entry, accepted: Iterable[Found], record: Entry) -> bool:
    """Whether the record of an identifier that an accepted record named is the work too: sources mix up identifiers, so
    its title, its authors and its year must agree with the work and with what was accepted before."""
    before = [work, *(one.entry for one in accepted)]
    if any(one.authors and record.authors and not matching.share_author(one, record) for one in before):
        return False
    is_shared = any(matching.share_author(one, record) for one in before)
    years = [one.year for one in before if one.year]
    is_near = not years or record.year is None or min(abs(year - record.year) for year in years) <= 2
    known = {titles.comparison(title) for one in before for title in (one.title, *one.aka)} - {""}
    theirs = titles.comparison(record.title)
    if theirs in known or any(is_respelt(ours, theirs) for ours in known):
        return is_near or is_shared
    return is_near and is_shared and any(_is_variant(one, theirs) for one in known)


def _is_variant(ours: str, theirs: str) -> bool:
    """Whether a work may have been retitled so: words were added or dropped, none was put in the place of another."""
    if matching.turns(ours, theirs) or matching.similarity(ours, theirs) < ASKED:
        return False
    return all(
        not old or not new or is_respelt(" ".join(old), " ".join(new)) for old, new in matching.apart(ours, theirs)
    )


def _confirms(work: Entry, record: Entry, title: str) -> bool:
    """Whether `title`, which `work` goes by, does not contradict the title of a record under the same identifier.

    Works are retitled between preprint and print, and lists shorten titles; but a link copied from a neighbour leads to
    a work of the same field, whose title shares its common words. So where the titles are not equal, nothing else that both
    state may speak against it, and where one word stands for another, something has to speak for it.
    """
    ours, theirs = titles.comparison(title), titles.comparison(record.title)
    if not ours or not theirs or is_misspelt(ours, theirs):
        return True
    if work.authors and record.authors and not matching.share_author(work, record):
        return False
    if _has_evidence(work, record) and matching.similarity(ours, theirs) >= matching.SANE:
        return True
    stated = work.year if "date" not in work.said else None
    if stated and record.year and abs(stated - record.year) > 2:
        return False
    if matching.turns(ours, theirs):
        return bool(stated and stated == record.year and _is_part(title, record.title, words=2))
    if _is_part(title, record.title, words=1) or (_coined(title) and _coined(title) == _coined(record.title)):
        return True
    if _is_variant(ours, theirs):
        return not (stated and record.year and stated != record.year and _are_apart(work, record))
    shorter, longer = sorted((ours, theirs), key=len)
    if len(shorter.split()) > 1 and f" {shorter} " in f" {longer} ":
        return not stated or record.year is None or stated == record.year
    return (
        matching.similarity(ours, theirs) >= CONFIRMED and _share_phrase(ours, theirs) and not _exchanges(ours, theirs)
    )


def _exchanges(ours: str, theirs: str) -> bool:
    """Whether each of two titles has a word that means something and that the other lacks: then one stands for the other."""
    one, other = ({word for word in form.split() if len(word) > 3} for form in (ours, theirs))
    only = [word for word in one - other if not any(_is_respelt(word, another) for another in other)]
    return bool(only) and any(not any(_is_respelt(word, another) for another in one) for word in other - one)


def _share_phrase(ours: str, theirs: str) -> bool:
    """Whether two words that mean something stand side by side in both titles."""
    one, other = ([word for word in form.split() if len(word) > 3] for form in (ours, theirs))
    return not set(pairwise(one)).isdisjoint(pairwise(other))


def by_title(work: Entry, record: Entry) -> Verdict:
    """Whether a record that was found by its title is the work: True only where nothing speaks against it."""
    if not titles.comparison(record.title):
        return Verdict(False, "the record has no title")
    against = matching.contradiction(work, record) or _other_place(work, record)
    years = work.year and record.year and abs(work.year - record.year) > 1
    if shared := _forms(work) & _forms(record):
        if not against and _is_given(work, shared):
            return Verdict(True, "a person gave the title")
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


def _is_given(work: Entry, shared: set[str]) -> bool:
    """Whether a person gave a title that both have: that is how a question about equal titles is answered."""
    return (
        "title" in work.said
        and work.said["title"].by == merging.CORRECTIONS
        and titles.comparison(work.title) in shared
    )


def _near(title: str, work: Entry, record: Entry) -> Verdict:
    ours, theirs = titles.comparison(title), titles.comparison(record.title)
    score = matching.similarity(ours, theirs)
    if _is_short(ours) or _is_short(theirs) or matching.turns(ours, theirs):
        return Verdict(False, "the titles differ")
    if score >= matching.NEAR and is_respelt(ours, theirs):
        return Verdict(True, f"one title, spelt otherwise ({score:.0f} of 100)")
    is_shared = matching.share_author(work, record)
    if score >= matching.NEAR and is_misspelt(ours, theirs) and is_shared:
        return Verdict(True, f"one title, misspelt, and an author ({score:.0f} of 100)")
    if _is_headed(title, record.title) and work.year and record.year == work.year:
        return Verdict(True, "one title, with and without the name before it")
    is_named = bool(_coined(title)) and _coined(title) == _coined(record.title)
    if score >= matching.NEAR and (is_named or _has_evidence(work, record)) and _has_one_word_more(ours, theirs):
        return Verdict(True, f"all but one word, and an author, a name, or place and year ({score:.0f} of 100)")
    if score >= ASKED or _is_part(title, record.title):
        return Verdict(None, f"the titles are nearly alike ({score:.0f} of 100)")
    return Verdict(False, "the titles differ")


def _forms(entry: Entry) -> set[str]:
    """The titles of an entry in comparison form; nicknames of one or two words name too many works."""
    forms = {titles.comparison(title) for title in entry.aka}
    return ({form for form in forms if len(form.split()) > 2} | {titles.comparison(entry.title)}) - {""}


def _is_short(form: str) -> bool:
    if names.is_cjk(form):  # a character says what elsewhere half a word says
        return len(form) < _SHORT // 3
    return len(form.split()) < _SHORT_WORDS or len(form) < _SHORT


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
    if work.venue.kind == "preprint" or record.venue.kind == "preprint":
        return False  # half a field is on arXiv
    if work.venue.short and work.venue.short == record.venue.short:
        return True
    return work.venue.kind == record.venue.kind == "workshop" and _are_one_place(work.venue, record.venue)


def _other_place(work: Entry, record: Entry) -> str | None:
    """Why a record with the title of a work is another publication than the list means; None when it need not be.

    A list often takes a workshop or a companion volume for its conference, which is the same paper, in the same year. The
    journal version of next year, a thesis, a patent is another one.
    """
    if record.kind in _NO_PAPERS and work.kind != record.kind and not (_unplaced(work) and _has_evidence(work, record)):
        return f"the record is a {record.kind}"
    if _is_written_apart(work, record):
        return "they were published in two ways"
    if work.year and work.year == record.year:
        return None
    is_open = not (work.year and record.year)
    if not _are_apart(work, record) or (is_open and _is_beside(work, record)):
        return None
    return "they were published in two places"


def _is_written_apart(work: Entry, record: Entry) -> bool:
    """Whether a list names a conference and the record is a journal article, a book or a report, or the other way round: in
    one year, these are two publications as well."""
    if work.venue is None or work.venue.kind not in _KINDS_OF_PLACES or record.kind == "preprint":
        return False
    if record.kind in {"book", "report"}:
        return True
    at_conferences = {"conference", "workshop"}
    ours, theirs = work.venue.kind in at_conferences, record.venue is not None and record.venue.kind in at_conferences
    return _are_apart(work, record) and not (ours and theirs)


_KINDS_OF_PLACES = frozenset(["conference", "workshop", "journal"])


def _is_beside(work: Entry, record: Entry) -> bool:
    """Whether a record names a workshop or companion of the conference that a list names."""
    ours, theirs = work.venue, record.venue
    if ours is None or theirs is None or not ours.short or theirs.kind not in {"workshop", "conference"}:
        return False
    return ours.short in re.findall(r"[\w-]+", f"{theirs.short or ''} {theirs.name}")


def _unplaced(work: Entry) -> bool:
    return work.venue is None or work.venue.kind == "preprint"


def _are_apart(first: Entry, second: Entry) -> bool:
    """Whether two records name two places of publication; of a preprint and a book series that is not said."""
    ours, theirs = first.venue, second.venue
    if ours is None or theirs is None or {ours.kind, theirs.kind} & {"preprint", "book-series"}:
        return False
    return not _are_one_place(ours, theirs)


def _are_one_place(ours: Venue, theirs: Venue) -> bool:
    """Whether two venues may be one: by a short name or a name, one of two joint conferences, a workshop by its conference,
    and for what no table knows, names that are alike."""
    if ours.short and theirs.short:
        return not {ours.short, *ours.short.split("-")}.isdisjoint({theirs.short, *theirs.short.split("-")})
    one, other = (titles.comparison(venue.name) for venue in (ours, theirs))
    if one == other or matching.similarity(one, other) >= ASKED:
        return True
    if ours.kind == theirs.kind == "workshop":
        return (ours.short or ours.name).split()[0] in theirs.name.split()
    initials = {"".join(re.findall(r"[A-Z]", venue.short or venue.name)) for venue in (ours, theirs)}
    return len(initials) == 1 and len(initials.pop()) > 2


def is_respelt(ours: str, theirs: str) -> bool:
    """Whether two comparison forms differ only as spellings do: hyphens, plurals, British and American, "the"."""
    return _are_alike(ours, theirs, _is_respelt)


def is_misspelt(ours: str, theirs: str) -> bool:
    """Whether one comparison form is the other with mistakes: "interclass" is one letter or two from "intraclass", so
    more than the title has to tell."""
    return _are_alike(ours, theirs, lambda old, new: _is_respelt(old, new) or _is_misspelt(old, new))


def _are_alike(ours: str, theirs: str, are_one: Callable[[str, str], bool]) -> bool:
    for ours_only, theirs_only in matching.apart(ours, theirs):
        old = [word for word in ours_only if word not in _ARTICLES]
        new = [word for word in theirs_only if word not in _ARTICLES]
        if "".join(old) == "".join(new):
            continue
        if len(old) != len(new) or not all(map(are_one, old, new)):
            return False
    return True


# British and American: optimise, analyse, colour, centre, modelling, catalogue, and the plural of each.
_AMERICAN = (
    ("is", "iz"),
    ("ys", "yz"),
    ("our", "or"),
    ("re", "er"),
    ("ll", "l"),
    ("ogue", "og"),
    ("ae", "e"),
    ("oe", "e"),
)


def _is_respelt(first: str, second: str) -> bool:
    """Whether two words are one in the singular and the plural, or in British and American spelling."""
    one, other = sorted((first, second), key=len)
    if other in {f"{one}s", f"{one}es"} or (one[-1:] == "y" and other == f"{one[:-1]}ies"):
        return len(one) > 2 and not one.endswith("ic") and one not in _NO_SINGULARS
    if first[:2] != second[:2] or len(one) < 5:
        return False
    return any(_exchanged(first, old, new, second) or _exchanged(second, old, new, first) for old, new in _AMERICAN)


_NO_SINGULARS = frozenset(
    ["arm", "custom", "good", "mean", "new", "work"]
)  # "dynamic" and "dynamics" are two words too


def _exchanged(word: str, old: str, new: str, other: str) -> bool:
    """Whether `other` is `word` with one `old` in it made `new`."""
    return any(word[: at.start()] + new + word[at.end() :] == other for at in re.finditer(old, word))


def _is_misspelt(first: str, second: str) -> bool:
    """Whether a word may be another one misspelt: "supervised" and "unsupervised" are two words, whatever the distance."""
    if first[:3] != second[:3] or any(map(str.isdigit, first + second)):
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


def _coined(title: str) -> str:
    """The name before the colon of a title, where it is one that its authors have made: "Zen-NAS", "LiteTransformerSearch".
    "RLHF" and "Federated Learning" stand before many titles."""
    head, colon, _ = title.partition(":")
    is_made = " " not in head and any(map(str.islower, head)) and sum(map(str.isupper, head[1:])) > 0
    return _head(title) if colon and is_made else ""


def _is_headed(ours: str, theirs: str) -> bool:
    """Whether one title is the other with a name and a colon before it, and what is left tells enough."""
    for head, _, of_rest, form in titles.parted(ours, theirs):
        if len(head.split()) == 1 and not any(map(str.isdigit, head)) and of_rest == form:
            return len(form.split()) >= 5
    return False


def _is_part(ours: str, theirs: str, words: int = 3) -> bool:
    """Whether one title, of at least so many words, is all that the other has before or after its colon: by itself worth
    asking, and no more."""
    return any(
        len(form.split()) >= words and form in {of_head, of_rest}
        for _, of_head, of_rest, form in titles.parted(ours, theirs)
    )
