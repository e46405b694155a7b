"""catalog.yaml and catalog.jsonl: read back whole, held by the published schema, one place for every field."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import works
from refsync import decoded, documents
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog, Date, Entry, Origin, Person, Retired, Said, Topic, Venue
from tests.conftest import EXAMPLE, ROOT

# Any text that a file can hold: YAML has no place for most control characters and none for halves of a surrogate.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t\u2028\u00ad"), min_size=1, max_size=24
)
words = st.text("abcdefghij0123456789-", min_size=1, max_size=8)
maps = st.dictionaries(words, texts, max_size=3)
people = st.builds(Person, family=texts, given=st.none() | texts, particle=st.none() | texts) | st.builds(
    Person, literal=texts
)
dates = st.builds(Date, year=st.integers(1000, 9999)) | st.builds(
    Date, year=st.integers(1000, 9999), month=st.integers(1, 12), day=st.none() | st.integers(1, 28)
)
entries = st.builds(
    Entry,
    kind=words, title=texts, aka=st.lists(texts, max_size=2).map(tuple), authors=st.lists(people, max_size=3).map(tuple),
    authors_complete=st.none() | st.booleans(), date=st.none() | dates, venue=st.none() | st.builds(Venue, name=texts),
    volume=st.none() | texts, pages=st.none() | texts, ids=maps, links=maps, topics=st.lists(words, max_size=2).map(tuple),
    tags=st.lists(texts, max_size=2).map(tuple), has_code=st.booleans(), comment=st.none() | texts, extra=maps,
    said=st.dictionaries(words, st.builds(Said, by=texts, on=st.none() | texts), max_size=2),
    origin=st.lists(st.builds(Origin, file=texts, line=st.integers(1, 10**6)), max_size=2).map(tuple),
)  # fmt: skip


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    listed = draw(st.lists(entries, max_size=4))
    keyed = tuple(
        Entry(**{one.name: getattr(entry, one.name) for one in fields(Entry)} | {"key": f"k{at}"})
        for at, entry in enumerate(listed)
    )
    topics = tuple(Topic(id=f"t{at}", path=(text,)) for at, text in enumerate(draw(st.lists(texts, max_size=3))))
    retired = draw(st.dictionaries(words.map("r".__add__), st.builds(Retired, title=texts, ids=maps), max_size=2))
    return Catalog(id=draw(words), title=draw(texts), topics=topics, entries=keyed, retired=retired)


def without_origin(catalog: Catalog) -> Catalog:
    kept = tuple(
        Entry(**{one.name: getattr(entry, one.name) for one in fields(Entry)} | {"origin": ()})
        for entry in catalog.entries
    )
    return Catalog(id=catalog.id, title=catalog.title, topics=catalog.topics, entries=kept, retired=catalog.retired)


@given(catalogs())
@settings(deadline=None)
def test_yaml_gives_the_catalog_back(catalog: Catalog) -> None:
    text = catalog_file.write(catalog)
    assert catalog_file.read(text, "catalog.yaml") == (without_origin(catalog), ())
    assert "\r" not in text and text.endswith("\n")


@given(catalogs())
@settings(deadline=None)
def test_json_lines_give_the_catalog_back(catalog: Catalog) -> None:
    text = catalog_file.write_lines(catalog)
    assert catalog_file.read_lines(text, "catalog.jsonl") == catalog
    assert text.count("\n") == len(catalog.entries) + 1


@given(catalogs())
@settings(deadline=None, max_examples=30)
def test_what_is_written_fits_the_schema(catalog: Catalog) -> None:
    schema = json.loads((ROOT / "docs" / "catalog.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(documents.parsed(catalog_file.write(catalog), "catalog.yaml"), schema)


def test_the_published_schema_is_the_one_in_force(accept: bool) -> None:
    path = ROOT / "docs" / "catalog.schema.json"
    text = json.dumps(catalog_file.schema(), indent=2) + "\n"
    if accept:
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


def test_the_example_fits_the_schema() -> None:
    schema = json.loads((ROOT / "docs" / "catalog.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(documents.parsed(documents.text_of(EXAMPLE / "catalog.yaml"), "catalog.yaml"), schema)


def test_every_field_of_an_entry_has_a_place_in_the_file() -> None:
    model = {one.name for one in fields(Entry)}
    assert set(catalog_file.EntryFile.__struct_fields__) == model
    assert {"key", *catalog_file.ENTRY_ORDER} == model


def test_lines_that_are_taken_over_are_those_that_would_be_written(tmp_path: Path) -> None:
    catalog = works.catalog(200)
    catalog = replace(catalog, entries=tuple(replace(one, origin=()) for one in catalog.entries))
    text = catalog_file.write(catalog)
    decoded.keep(text, catalog, tmp_path)
    last = decoded.read(text, "catalog.yaml", tmp_path)
    assert last.catalog == catalog
    assert len(last.lines) == 200
    edited = [replace(one, title="new") if at % 7 == 0 else one for at, one in enumerate(catalog.entries) if at % 5]
    changed = replace(catalog, entries=tuple(edited), title="Another")
    assert decoded.written(changed, last) == catalog_file.write(changed)
    assert decoded.written(catalog, last) == text


def test_a_damaged_copy_is_passed_over(tmp_path: Path) -> None:
    catalog = works.catalog(200)
    text = catalog_file.write(catalog)
    decoded.keep(text, catalog, tmp_path)
    (copy,) = tmp_path.iterdir()
    copy.write_bytes(b"no")
    assert len(decoded.read(text, "catalog.yaml", tmp_path).catalog.entries) == 200
