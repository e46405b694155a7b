"""Every source: what it is asked, and what its answers mean; a case is an answer and the .yaml of the works in it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refsync import documents, names
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.model import Date, Entry, Person
from refsync.references import page_range
from refsync.resolvers import RESOLVERS, Resolver, Unreadable, deposited, named
from tests.conftest import SHARED

TABLES = Tables()
FOLDER = Path(__file__).parent / "cases" / "resolvers"
CASES = sorted(path for path in FOLDER.glob("*/*") if path.suffix in {".json", ".xml", ".bib"})
each_source = pytest.mark.parametrize("source", RESOLVERS, ids=lambda one: one.name)


def source_of(name: str) -> Resolver:
    found = named(name)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------------------
# Cases


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(case: Path, accept: bool) -> None:
    try:
        works = source_of(case.parent.name).parse(case.read_bytes(), TABLES)
        value: dict[str, Any] = {"works": [one and catalog_file.entry_value(one, origin=False) for one in works]}
    except Unreadable as error:
        value = {"unreadable": str(error)}
    expected = case.with_suffix(".yaml")
    if accept:
        expected.write_text(documents.written(value), encoding="utf-8", newline="\n")
    assert documents.written(value) == expected.read_text(encoding="utf-8")


@each_source
def test_every_source_has_cases(source: Resolver) -> None:
    assert any(case.parent.name == source.name for case in CASES)


# ------------------------------------------------------------------------------------------------------------------
# What holds for every source

LIMITS = {
    "acl": 1, "arxiv": 100, "crossref": 20, "datacite": 50, "dblp": 1, "doi": 1, "openalex": 100, "openreview": 1,
    "semanticscholar": 500,
}  # fmt: skip
MANY = {
    "arxiv": [("arxiv", f"2101.{number:05}") for number in range(1203)],
    "doi": [("doi", f"10.1234/abc.{number}") for number in range(1203)],
    "acl": [("acl", f"2021.naacl-main.{number}") for number in range(1, 1204)],
    "openreview": [("openreview", f"forum{number:05}") for number in range(1203)],
    "s2": [("s2", f"{number:040x}") for number in range(1203)],
}
WORK = Entry(
    title="Fast, Small & Sure: $k$-Means | A “Survey”?",
    authors=(Person(family="Żak", given="Ada"), Person(literal="OpenAI")),
    date=Date(year=2021),
)


@each_source
def test_requests_are_few_and_within_limits(source: Resolver) -> None:
    for scheme, ids in MANY.items():
        requests = source.by_ids(ids)
        if scheme not in source.schemes:
            assert requests == ()
            continue
        limit = LIMITS[source.name]
        assert len(requests) == -(-len(ids) // limit)
        assert [one for request in requests for one in request.ids] == ids
        assert all(len(request.ids) <= limit for request in requests)
        assert source.by_ids([]) == () and source.by_ids([*ids[:1], *ids[:1]]) == source.by_ids(ids[:1])


@each_source
def test_requests_are_well_formed_and_hold_no_secret(source: Resolver) -> None:
    ids = [one for many in MANY.values() for one in many[:3]]
    ids += [("doi", "10.1002/(SICI)1097(199806)49:8<693::AID-ASI4>3.0.CO;2-O"), ("doi", '10.1/a,b|c"d é?#&')]
    title = source.by_title(WORK)
    assert (title is not None) == source.searches
    for request in (*source.by_ids(ids), *filter(None, [title])):
        assert re.fullmatch(r"/[A-Za-z0-9%./:()_~-]*", request.path)
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in request.params)
        assert not {name.lower() for name, _ in request.params} & {
            "mailto",
            "email",
            "api_key",
            "apikey",
            "key",
            "token",
        }
        json.dumps(request.body)


@each_source
@pytest.mark.parametrize("title", ["", "  ", "?!", "—"])
def test_a_title_without_words_is_not_searched_for(source: Resolver, title: str) -> None:
    assert source.by_title(Entry(title=title)) is None


def asked(name: str, *ids: tuple[str, str]) -> list[Any]:
    return [(one.path, dict(one.params) or one.body) for one in source_of(name).by_ids(ids)]


def test_what_each_source_is_asked() -> None:
    old, odd = ("arxiv", "quant-ph/0201082"), ("doi", "10.1016/s0,1|2(3)")
    assert asked("arxiv", ("arxiv", "2203.02094"), ("arxiv", "abc"), old, ("arxiv", "math.gt/0309136")) == [
        ("/api/query", {"id_list": "2203.02094,quant-ph/0201082,math/0309136", "start": "0", "max_results": "100"})
    ]
    (together, first), (alone, second) = asked("crossref", ("doi", "10.1145/1.2"), ("doi", "10.18653/v1/x"), odd)
    assert (together, first["filter"]) == ("/works", "doi:10.1145/1.2,doi:10.18653/v1/x") and first["rows"] == "2"
    assert (alone, second) == ("/works/10.1016%2Fs0%2C1%7C2%283%29", None)
    assert asked("datacite", ("arxiv", "2203.02094"), ("doi", "10.5281/zenodo.1")) == [
        ("/dois", {"query": 'doi:("10.48550/arxiv.2203.02094" OR "10.5281/zenodo.1")', "page[size]": "50"})
    ]
    ids = [("arxiv", "2203.02094"), ("doi", "10.48550/arxiv.2203.02094"), ("doi", "10.1/x"), ("acl", "P19-1580")]
    request = source_of("semanticscholar").by_ids([*ids, ("openreview", "abcDEF_12"), ("s2", "f5b9")])[0]
    assert request.body == {
        "ids": [
            "ARXIV:2203.02094", "ARXIV:2203.02094", "DOI:10.1/x", "ACL:P19-1580",
            "URL:https://openreview.net/forum?id=abcDEF_12", "f5b9",
        ]
    }  # fmt: skip
    (_, listed), (single, _) = asked("openalex", ("doi", "10.1/a"), ("doi", "10.2/b"), odd)
    assert listed["filter"] == "doi:10.1/a|10.2/b" and single == "/works/doi:10.1016/s0%2C1%7C2%283%29"
    assert asked("acl", ("acl", "P19-1580"), ("acl", "../x")) == [("/P19-1580.bib", None)]
    assert asked("openreview", ("openreview", "abcDEF_12")) == [("/notes", {"id": "abcDEF_12"})]
    assert asked("doi", ("doi", "10.1/a<b>#c")) == [("/10.1/a%3Cb%3E%23c", None)]


def test_what_is_searched_for() -> None:
    found = {one.name: dict(request.params) for one in RESOLVERS if (request := one.by_title(WORK))}
    assert found["crossref"]["query.bibliographic"] == f"{WORK.title} Żak 2021" and found["crossref"]["rows"] == "5"
    assert found["openalex"]["search"] == found["dblp"]["q"] == "fast small sure k means a survey"
    assert found["semanticscholar"]["query"] == WORK.title


PAGES = [
    b"", b" ", b"null", b"true", b"42", b'"text"', b"[", b"{", b"[[]]", b'{"data": 5}', b"Resource not found.", b"\xff\xfe\x00",
    b"<!DOCTYPE html><html><title>Making sure you're not a bot!</title></html>", b"<html><body>302</body></html>",
    b"<?xml version='1.0'?><feed", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"@article{a, title = {",
    b'{"error": "Too Many Requests"}', b'{"message": {"items": [null]}}', b"[" * 100_000, b'{"a":' * 100_000,
]  # fmt: skip


@each_source
@pytest.mark.parametrize("body", PAGES, ids=range(len(PAGES)))
def test_what_is_no_answer_is_unreadable_or_empty(source: Resolver, body: bytes) -> None:
    with suppress(Unreadable):
        assert not any(source.parse(body, TABLES))


@each_source
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mangled_answer_raises_nothing_else(source: Resolver, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([one for one in CASES if one.parent.name == source.name]))
    body = mangled(case, data)
    try:
        works = source.parse(body, TABLES)
    except Unreadable:
        return
    for one in filter(None, works):
        assert one.title == " ".join(one.title.split()) != ""
        assert all(any(map(str.isalnum, names.natural(who))) for who in one.authors)
        catalog_file.entry_value(one, origin=False)


ODD = [
    None,
    True,
    0,
    -1,
    1e300,
    "",
    "  ",
    "\ud800",
    "x",
    "<i>",
    "&amp;lt;",
    [],
    [None],
    [[None]],
    {},
    {"a": 1},
    [["2021"]],
]


def mangled(case: Path, data: st.DataObject) -> bytes:
    """A case cut, with a byte changed, or with a value of its JSON become something else."""
    body = case.read_bytes()
    way = data.draw(st.sampled_from(["cut", "byte", "value"]))
    at = data.draw(st.integers(0, max(len(body) - 1, 0)))
    if way == "cut":
        return body[:at]
    if way == "value" and case.suffix == ".json":
        try:
            value = json.loads(body)
        except ValueError:
            return body
        places = list(_places(value))
        if places:
            holder, key = data.draw(st.sampled_from(places))
            holder[key] = data.draw(st.sampled_from(ODD))
        return json.dumps(value).encode()
    return body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value, as the object or list that holds it and the key."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inside):
        yield value, key
        yield from _places(one)


@pytest.mark.parametrize(
    "text",
    [
        "<math>" * 25_000 + "</annotation>" * 25_000, "<i>" + "<!--" * 50_000, "<a " * 50_000 + "<i>", "&amp;" * 50_000,
        "<sup>" * 50_000, "<b>\n " * 50_000, "\n \n" * 50_000, "*" * 100_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_text_made_to_be_slow_is_not(text: str) -> None:
    start = process_time()
    deposited.title(text), deposited.paragraphs(text), deposited.person(text), deposited.pages(text)
    assert process_time() - start < 5


def test_one_broken_item_does_not_cost_the_others() -> None:
    whole = {"DOI": "10.1/a", "type": "journal-article", "title": ["One"]}
    broken = {"DOI": "10.1/b", "title": ["Two"], "ISBN": 5, "author": [7, {"family": ["x"]}], "page": {}}
    body = {"message-type": "work-list", "message": {"items": [whole, None, 5, broken, whole]}}
    works = source_of("crossref").parse(json.dumps(body).encode(), TABLES)
    assert [one and one.title for one in works] == ["One", None, None, "Two", "One"]


# ------------------------------------------------------------------------------------------------------------------
# Recorded answers of the services, and what is known to be in them

RECORDED = SHARED / "metadata" / "recorded"
EXPECTED = RECORDED / "EXPECT.jsonl"


def bodies(path: Path, envelope: str) -> list[bytes]:
    """The bodies of the answers that a file holds."""
    if envelope == "vcr-json":
        # UTF-8 that was read as Latin-1 when it was recorded, where it still fits into that.
        text = json.loads(path.read_text(encoding="utf-8"))["body"]
        try:
            return [text.encode("latin-1")]
        except UnicodeEncodeError:
            return [text.encode()]
    if envelope == "vcr-yaml":
        found = yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]
        return [_body(one["response"]["body"]) for one in found]
    return [path.read_bytes()]


def _body(value: dict[str, Any]) -> bytes:
    text = value.get("string") or base64.b64decode(value.get("base64_string", ""))
    raw = text.encode() if isinstance(text, str) else text
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def held(path: Path, expected: dict[str, Any]) -> list[Entry]:
    """The works that a source finds in a recorded file."""
    source = source_of(SOURCES.get(expected["file"], expected["service"]))
    out: list[Entry | None] = []
    if expected["envelope"] == "items":
        module = import_module(source.module)
        items = json.loads(path.read_bytes())
        for item in items if isinstance(items, list) else [items]:
            out.append(module.entry_of(_note(item) if source.name == "openreview" else item, TABLES))
    else:
        for body in bodies(path, expected["envelope"]):
            with suppress(Unreadable):
                out += source.parse(body, TABLES)
    return [one for one in out if one is not None]


def _note(item: dict[str, Any]) -> dict[str, Any]:
    """A note as the API has it, out of one that a client had flattened: its year was that of the submission."""
    day = 24 * 3600 * 1000
    cdate = int((item["year"] - 1970) * 365.25 * day) + 60 * day
    content = {name: {"value": item[name]} for name in ("title", "authors", "venue", "venueid", "abstract")}
    return {"id": item["id"], "forum": item["id"], "cdate": cdate, "content": content}


# An answer of DataCite's content negotiation, which is asked through doi.org.
SOURCES = {"datacite/bolognese-citeproc-no-author.json": "doi"}
# Answers that stand beside works in a file that is called no record as a whole.
STILL_WORKS = {
    "crossref/commonmeta-test_get_random_crossref_id.yaml": "two lists of works, asked for at random",
}
# Works that are read otherwise than a person reads them, and why that is right.
OTHERWISE = {
    (
        "dblp/refchecker-homonym-number-05435b2b.json",
        4,
    ): "the title holds broken TeX, which is kept rather than guessed at",
    (
        "openalex/refchecker-title-null-4c817dab.json",
        2,
    ): "a display string does not say that a family name is two words",
}


def differences(entry: Entry, expected: dict[str, Any]) -> list[str]:
    """In which fields a work is not what is known of it."""
    doi = expected["doi"] if not (expected["doi"] or "").startswith("10.48550/") else None
    arxiv = expected["arxiv_id"] or (
        expected["doi"].removeprefix("10.48550/arxiv.") if expected["doi"] and not doi else None
    )
    pairs = {
        "title": (_plain(entry.title), _plain(expected["title"])),
        "year": (entry.year, expected["year"]),
        "first author": (_name(entry.authors[:1]), _stated_name(expected["first_author"])),
        "authors": (len(entry.authors), expected["authors"]),
        # Of arXiv's two, both typed by an author, only hints are made.
        "doi": (entry.extra.get("hint-doi") or entry.ids.get("doi"), doi),
        "arxiv": (entry.ids.get("arxiv"), arxiv),
        "container": (_container(entry, expected["container"]), expected["container"]),
        "pages": (entry.pages, _pages(expected["pages"])),
    }
    return [f"{name}: {got!r}, not {right!r}" for name, (got, right) in pairs.items() if got != right]


def _plain(title: str) -> str:
    return title.replace("$", "").replace("\u2010", "-")


def _name(people: tuple[Person, ...]) -> str:
    if not people:
        return ""
    one = people[0]
    return one.literal or "|".join([" ".join(filter(None, [one.particle, one.family])), one.given or ""])


def _stated_name(name: dict[str, str] | None) -> str:
    if name is None:
        return ""
    return name.get("literal") or f"{name.get('family') or ''}|{name.get('given') or ''}".replace("\u2010", "-")


def _container(entry: Entry, expected: str | None) -> str | None:
    if "hint-venue" in entry.extra:
        return entry.extra["hint-venue"]
    venue = entry.venue
    # A repository or publisher that stands for a container is none.
    stands_in = venue is None or venue.name == venue.publisher or (entry.kind == "preprint" and expected is None)
    return None if venue is None or stands_in else venue.name


def _pages(pages: str | None) -> str | None:
    found = page_range(pages or "")
    return f"{found[0]}-{found[1]}" if found else pages


EXPECT = [json.loads(line) for line in EXPECTED.read_text(encoding="utf-8").splitlines()] if EXPECTED.exists() else []


@pytest.mark.skipif(not EXPECT, reason="the recorded answers are not there")
@pytest.mark.parametrize("service", [one.name for one in RESOLVERS])
def test_recorded(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        (expected["file"], at): wrong
        for expected in EXPECT
        if expected["service"] == service
        for at, wrong in enumerate(compared(expected))
    }
    wrong = {place: text for place, text in found.items() if text}
    with capsys.disabled():
        print(f"\n  {service}: {len(found) - len(wrong)} of {len(found)} works and refusals right", end="")
    assert {place: text for place, text in wrong.items() if place not in OTHERWISE} == {}
    assert all(place in wrong for place in OTHERWISE if place in found), "a work that is read rightly now"


def compared(expected: dict[str, Any]) -> list[list[str]]:
    """What is wrong, for each work of a recorded file, or for the file where it holds none."""
    works = held(RECORDED / expected["file"], expected)
    if expected["expect"] in {"not-a-record", "failure"} and expected["file"] not in STILL_WORKS:
        return [["is read as works"] if works else []]
    # A work without a title is no work; of a long list the first five are labelled.
    labelled = [one for one in expected["records"] if one["title"]]
    count = expected["n_records"] - (len(expected["records"]) - len(labelled))
    out = [differences(work, one) for work, one in zip(works, labelled, strict=False)] or [[]]
    if len(works) != count:
        out[0].append(f"{len(works)} works, not {count}")
    return out
