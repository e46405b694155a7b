"""Knows what the entries of a .bib file say, in the dialects of BibTeX and BibLaTeX and as programs write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from refsync import documents, identifiers, mapping
from refsync.formats import Reading
from refsync.formats.bibfile import Record, groups_in, is_jumbled, parts_of_name, people_in, records
from refsync.formats.bibinherit import resolved
from refsync.formats.dates import EXTENDED, date_of, dated, month_named, start_of, undated
from refsync.formats.latex import addresses_in, linked_in, text_of, verbatim_of
from refsync.mapping import Pair, Tables, table_value
from refsync.model import Date, Entry, Person, Problem, Topic
from refsync.references import beside, completed, further_dois, page_range


def works(text: str, where: str, tables: Tables, pairs: Mapping[str, Pair]) -> Reading:
    """The works of a .bib file. An entry that cannot be read is a Problem at its line; the others are read."""
    problems: list[Problem] = []
    entry_of = mapping.reader(tables.table("bibtex"), pairs)
    languages = _languages(tables)
    entries: dict[str, Entry] = {}
    stubs: list[tuple[str, str]] = []
    for record in resolved(records(text, where, problems), where, problems):
        if "aliasof" in record.fields:
            stubs.append((record.key, verbatim_of(record.fields["aliasof"])))
            continue
        here = f"{where}:{record.line}" + f" ({record.key})" * bool(record.key)
        if tables.kind_of("bibtex", record.type) is None:
            what = f"@{record.type} is no type that refsync knows: read as a document."
            problems.append(Problem(where=here, what=what, hint="Its fields are kept."))
        entry = _work(record, tables, entry_of, languages)
        problems += [*undated([(here, entry)]), *_jumbled(record.fields, here)]
        # A key may stand twice, or be missing: each such entry is kept under a name of its own.
        entries[record.key if record.key not in entries else f"\0{len(entries)}"] = entry
    for alias, key in stubs:
        if key in entries:
            entries[key] = replace(entries[key], aliases=(*entries[key].aliases, alias))
    filed, topics = _under_topics(list(entries.values()), text)
    return Reading(entries=tuple(filed), problems=tuple(problems), topics=topics)


def _work(record: Record, tables: Tables, entry_of: mapping.Reader, language_names: Mapping[str, str]) -> Entry:
    """The work that a record is of."""
    kind = tables.kind_of("bibtex", record.type)
    subtype = text_of(record.fields.get("entrysubtype", ""))
    given, addresses = _addressed(record.fields)
    fields, extra = _usual(record._replace(fields=_titled(given)), language_names)
    if kind is None:
        extra["entrytype"] = record.type
    if subtype in tables.kinds:
        del fields["entrysubtype"]
    aliases = tuple(filter(None, map(str.strip, verbatim_of(fields.pop("ids", "")).split(","))))
    found, rest = entry_of(subtype if subtype in tables.kinds else kind or "document", fields)
    extra.update((name, text_of(value)) for name, value in rest.items())
    if addresses:
        found["links"] = beside(addresses, found.get("links", {}))
    entry = completed(found, record.key, extra, aliases)
    return _judged(entry, "" if subtype in tables.kinds else record.type)


def _addressed(given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The fields without addresses where a text belongs, and these; the first of `howpublished` is the work's `url`."""
    fields = dict(given)
    hidden: list[str] = []
    if "://" in (how := fields.get("howpublished", "")):
        found, rest = addresses_in(how)
        if found and not rest:
            del fields["howpublished"]
        elif found:
            fields["howpublished"] = rest
        hidden += found
    if "://" in (url := fields.get("url", "")) and len(several := url.split()) > 1:
        # Mendeley has every address of a work in one field.
        fields["url"], *more = several
        hidden += [verbatim_of(one) for one in more if "://" in one]
    if "url" not in fields and hidden:
        fields["url"] = hidden.pop(0)
    for name, value in given.items():
        if name not in {"url", "howpublished"}:
            hidden += linked_in(value)
    return fields, hidden + further_dois(verbatim_of(fields.get("doi", "")))


# biblatex has the second half of a title apart.
_HALVES = (
    ("title", "subtitle"),
    ("booktitle", "booksubtitle"),
    ("maintitle", "mainsubtitle"),
    ("journaltitle", "journalsubtitle"),
    ("journal", "journalsubtitle"),
)


def _titled(fields: dict[str, str]) -> dict[str, str]:
    """The fields with whole titles: "Title: Subtitle"."""
    for name, second in _HALVES:
        if fields.get(name) and fields.get(second):
            half = fields.pop(second)
            if text_of(half).casefold() not in text_of(fields[name]).casefold():
                mark = "" if text_of(fields[name]).endswith(("?", "!", ":", ".", "—", "–")) else ":"
                fields[name] = f"{fields[name]}{mark} {half}"
    return fields


def _jumbled(fields: Mapping[str, str], here: str) -> Iterator[Problem]:
    """A Problem for names that are not told apart by "and"."""
    for role in ("author", "editor"):
        value = fields.get(role, "")
        if ";" in value or value.count(",") > 1:
            for name in filter(is_jumbled, people_in(value)):
                what = f"{text_of(name)[:60]!r} in `{role}` is not one name: kept as text."
                yield Problem(where=here, what=what, hint="Set names apart with `and`, not with commas.")


def _under_topics(entries: list[Entry], text: str) -> tuple[list[Entry], tuple[Topic, ...]]:
    """Entries with those keywords as topics that JabRef's tree of groups names."""
    groups = {text_of(keyword): tuple(map(text_of, path)) for path, keyword in groups_in(text)}
    used = {tag for entry in entries for tag in entry.tags if tag in groups}
    if not used:
        return entries, ()
    topics = {tag: Topic(id=f"t{n}", path=path) for n, (tag, path) in enumerate(groups.items(), 1) if tag in used}
    return [
        replace(
            entry,
            topics=tuple(topics[tag].id for tag in entry.tags if tag in topics),
            tags=tuple(tag for tag in entry.tags if tag not in topics),
        )
        for entry in entries
    ], tuple(topics.values())


def _languages(tables: Tables) -> dict[str, str]:
    """The code of a language by each name that `langid` has for it."""
    return {name: code for code, names in languages(tables).items() for name in names}


def languages(tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """What biblatex calls a language, by its code."""
    value, where = table_value("languages.yaml", tables.folder)
    return documents.checked(value, dict[str, dict[str, tuple[str, ...]]], where)["languages"]


# What biblatex prints for the state of a work that is not out yet.
STATES = {
    "in press": "inpress",
    "submitted": "submitted",
    "forthcoming": "forthcoming",
    "in preparation": "inpreparation",
}
_STATES = {key: text for text, key in STATES.items()}
_GENRES = {"phdthesis": "PhD thesis", "mathesis": "Master's thesis", "candthesis": "Candidate thesis"}
_OF_A_SITE = frozenset({"online", "electronic", "www"})


def _usual(record: Record, language_names: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The fields of a record in the spelling of BibTeX, and those that have none there: biblatex's `date` as year, month
    and day, a month as its number."""
    fields, extra = _of_biblatex(record, language_names), {}
    if date := fields.pop("date", None):
        found = date_of(text_of(date))
        if not isinstance(found, Date) and (start := start_of(text_of(date))):
            found, extra[EXTENDED] = start, text_of(date)
        if isinstance(found, Date):
            given = {"year": f"{found.year:04d}", "month": found.month, "day": found.day}
            fields = {**{name: str(part) for name, part in given.items() if part}, **fields}
        elif "year" in fields:
            extra["date"] = text_of(date)
        else:
            fields["year"] = date
    if month := fields.pop("month", None):
        stated_month = text_of(month)
        number, day = _month_of(stated_month)
        if number and fields.get("year", "").strip("{} ").isdecimal():
            fields["month"] = str(number)
            if day:
                fields.setdefault("day", day)
        else:
            extra["month"] = stated_month
    if (day := text_of(fields.get("day", ""))) and not _is_day(fields, day):
        extra["day"] = text_of(fields.pop("day"))
    if record.type == "mastersthesis":
        fields.setdefault("type", "Master's thesis")
    return fields, extra


def _is_day(fields: Mapping[str, str], day: str) -> bool:
    """Whether the month of the year has such a day."""
    parts = [text_of(fields.get(name, "")) for name in ("year", "month")] + [day]
    return all(map(str.isdecimal, parts)) and dated(*map(int, parts)) is not None


def _of_biblatex(record: Record, language_names: Mapping[str, str]) -> dict[str, str]:
    """Fields as BibTeX has them where only their names or the names of their values differ."""
    fields = dict(record.fields)
    if "arxivid" in fields and fields.setdefault("eprint", fields["arxivid"]) == fields["arxivid"]:
        del fields["arxivid"]
    if fields.get("eprinttype", "").lower() == "pubmed" and "eprint" in fields and "pmid" not in fields:
        fields["pmid"] = fields.pop("eprint")
        del fields["eprinttype"]
    if (state := text_of(fields.get("pubstate", ""))) and not fields.keys() & {"date", "year"}:
        if state != "prepublished":
            fields["year"] = _STATES.get(state, fields["pubstate"])
        del fields["pubstate"]
    elif state == "prepublished":
        del fields["pubstate"]
    for name in ("journaltitleaddon", "booktitleaddon"):
        if "volume" not in fields and fields.get(name, "").startswith("vol. "):
            fields["volume"] = fields.pop(name).removeprefix("vol. ")
    if record.type == "book" and "volume" not in fields and "part" in fields:
        fields["volume"] = fields.pop("part")
    if "howpublished" not in fields:
        # Where biblatex has a place for the name of a site, a repository or an office; other programs use `titleaddon`.
        others = {"patent": ("addendum", "titleaddon"), "dataset": ("organization",)}.get(record.type, ())
        others = ("organization", "titleaddon") if record.type in _OF_A_SITE else others
        if other := next((name for name in others if name in fields), None):
            fields["howpublished"] = fields.pop(other)
    if fields.get("entrysubtype") == "standard" and "number" not in fields and "addendum" in fields:
        fields["number"] = fields.pop("addendum")
    if fields.get("type") == "techreport":
        del fields["type"]
    if fields.get("type") in _GENRES:
        fields["type"] = _GENRES[fields["type"]]
    if "langid" in fields and "language" not in fields:
        fields["language"] = language_names.get(fields["langid"].lower(), fields.pop("langid"))
        fields.pop("langid", None)
    return fields


def _month_of(text: str) -> tuple[int | None, str | None]:
    """Month and day of "6", "June" and "10 jun"."""
    if text.isdecimal():
        return (int(text), None) if 1 <= int(text) <= 12 else (None, None)
    found = re.fullmatch(r"(\d{1,2})?\W*([A-Za-z]{3})[a-z]*\W*(\d{1,2})?", text)
    return (month_named(found[2]), found[1] or found[3]) if found else (None, None)


def _judged(entry: Entry, type: str) -> Entry:
    """An entry with the arXiv id that its text names; a @misc, @online or @article of arXiv's is a preprint, unless
    its kind is stated and `type` therefore empty."""
    ids = dict(entry.ids)
    venue = entry.venue.name if entry.venue else ""
    said = f"{venue} {entry.note or ''}"
    if "arxiv" not in ids and (found := identifiers.ARXIV_TEXT.search(said)):
        ids["arxiv"] = found[1]
    if re.match(r"(?i)corr\b", venue) and (found := re.match(r"abs/(\S+)", entry.volume or "")):
        ids.setdefault("arxiv", found[1])
    of_arxiv = re.match(r"(?i)(?:arxiv|corr)\b", venue) is not None
    vague = type != "" and entry.kind in {"document", "web-page"} and "arxiv" in ids
    is_preprint = of_arxiv if type in {"article", "techreport"} else vague
    if ids == entry.ids and not is_preprint:
        return entry
    return replace(entry, ids=ids, kind="preprint" if is_preprint else entry.kind)


def authors(value: str) -> tuple[tuple[Person, ...], bool | None]:
    """The people of a field, and False when some are only "others"."""
    named = people_in(value)
    found = [name for name in named if name.lower() not in {"others", "et al.", "et al"}]
    complete = False if len(found) < len(named) else None
    return tuple(one for name in found if (one := _person(name))), complete


# biblatex's extended name format: "family=Oord, given=Aäron, prefix=van den".
_NAMED_PART = re.compile(r"(?:^|,)\s*(family|given|prefix|suffix)\s*=\s*([^,]*)")
_BIBLATEX_PARTS = {"family": "last", "given": "first", "prefix": "von", "suffix": "jr"}


# "Family, Given" of one word and any, without a mark of LaTeX: most names.
_PLAIN_NAME = re.compile(r"([A-ZÀ-ÖØ-Þ][\w'’-]*), ([^,{}\\$~=\s`-]+(?: [^,{}\\$~=\s`-]+)*)")


# What DBLP tells people of one name apart by: "Wei Wang 0001" (dblp.org/faq, "How does dblp handle homonyms?").
_HOMONYM = re.compile(r"(?<=\w)\s+\d{4}$")


@lru_cache(maxsize=32768)
def _person(name: str) -> Person | None:
    """A Person out of BibTeX's four parts. A name in braces as a whole is a group's, or one that must not be split."""
    if plain := _PLAIN_NAME.fullmatch(name):
        return Person(family=plain[1], given=plain[2])
    name = _HOMONYM.sub("", name)
    if is_jumbled(name):
        return Person(literal=text_of(name))
    if named := dict(_NAMED_PART.findall(name)):
        parts = {_BIBLATEX_PARTS[part]: text_of(value) for part, value in named.items()}
    else:
        parts = {part: text_of(" ".join(words)) for part, words in parts_of_name(name).items()}
    last = parts.get("last", "")
    if name.strip().startswith("{") and name.strip().endswith("}") and not (parts.get("first") or parts.get("von")):
        return Person(literal=last) if last else None
    found = {"family": last, "given": parts.get("first"), "particle": parts.get("von"), "suffix": parts.get("jr")}
    known = {part: text for part, text in found.items() if text}
    return Person(**known) if known else None


def day(value: str) -> Date | str | None:
    """A day as ISO 8601; what is none stays text."""
    return date_of(text_of(value))


def date(year: str | None, month: str | None, day: str | None) -> Date | str | None:
    """A date out of its parts; a year that is none stays text."""
    if year is None:
        return None
    text = text_of(year)
    if not re.fullmatch(r"\d{3,4}", text):
        return date_of(text)
    return dated(int(text), int(month) if month else None, int(text_of(day)) if day else None) or text


def pages(value: str) -> str:
    """Pages as "12-19"."""
    text = text_of(value)
    found = page_range(text)
    return f"{found[0]}-{found[1]}" if found else text


def arxiv(eprint: str | None, prefix: str | None, kind: str | None) -> str | None:
    """The arXiv id of an eprint; None when it is another archive's."""
    archive = verbatim_of(prefix or kind or "arXiv").casefold()
    value = re.sub(r"(?i)^arxiv:\s*", "", verbatim_of(eprint or ""))
    found = identifiers.of_url(f"https://arxiv.org/abs/{value}") if archive == "arxiv" else None
    return found[1] if found else None


def keyword_list(value: str) -> tuple[None, tuple[str, ...]]:
    """(topics, tags): keywords are all tags, until it is known which of them are topics."""
    found = map(text_of, value.split("," if "," in value else ";"))
    return None, tuple(dict.fromkeys(filter(None, found)))
