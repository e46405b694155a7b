"""Identifiers, names, titles, keys and verdicts: facts as tables, laws as properties."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsync import identifiers, keypattern, keys, matching, names, titles, venues
from refsync.model import Date, Entry, Failure, Person

URLS = {
    "https://arxiv.org/pdf/2203.02094.pdf": ("arxiv", "2203.02094"),
    "http://arxiv.org/abs/1503.02531v3": ("arxiv", "1503.02531"),
    "https://www.arxiv.org/abs/cs/9901002v1": ("arxiv", "cs/9901002"),
    "https://export.arxiv.org/abs/hep-th/9711200": ("arxiv", "hep-th/9711200"),
    "https://ar5iv.labs.arxiv.org/html/2206.05039": ("arxiv", "2206.05039"),
    "https://doi.org/10.48550/arXiv.1503.02531": ("arxiv", "1503.02531"),
    "https://huggingface.co/papers/2307.09288": ("arxiv", "2307.09288"),
    "https://dl.acm.org/doi/abs/10.1145/3461615.3491109": ("doi", "10.1145/3461615.3491109"),
    "http://dx.doi.org/10.1145/159544.159587": ("doi", "10.1145/159544.159587"),
    "https://link.springer.com/chapter/10.1007/978-3-030-58545-7_1": ("doi", "10.1007/978-3-030-58545-7_1"),
    "https://www.science.org/doi/10.1126/science.abd7331": ("doi", "10.1126/science.abd7331"),
    "https://www.aclweb.org/anthology/P19-1580.pdf": ("acl", "P19-1580"),
    "https://aclanthology.org/2021.findings-acl.372.pdf": ("acl", "2021.findings-acl.372"),
    "https://openreview.net/forum?id=p-BhZSz59o4": ("openreview", "p-BhZSz59o4"),
    "https://openreview.net/pdf?id=V0A5g83gdQ_": ("openreview", "V0A5g83gdQ_"),
    "https://github.com/dk-liang/Awesome-Visual-Transformer": None,
    "https://arxiv.org/list/cs.LG/recent": None,
    "https://example.org/1503.02531": None,
    "not a link": None,
    "http://[broken": None,
}


@pytest.mark.parametrize("url", URLS)
def test_a_link_names_its_work(url: str) -> None:
    assert identifiers.of_url(url) == URLS[url]


@pytest.mark.parametrize("url", [url for url, found in URLS.items() if found])
def test_a_link_made_of_an_identifier_names_it(url: str) -> None:
    scheme, value = URLS[url] or ("", "")
    made = identifiers.link(scheme, value)
    assert made is not None and identifiers.of_url(made) == (scheme, value)


TEXTS = {
    "arXiv:1606.07947": "1606.07947",
    "arXiv preprint arXiv:2207.10666": "2207.10666",
    "ArXiv 2109.03459v1": "2109.03459",
    "arXv:1805.05551": "1805.05551",
    "CoRR abs/1412.6980": "1412.6980",
    "arXiv:2020": None,
    "arXiv 2022": None,
    "10.1145/3461615.3491109": None,
    "arXiv:2011.0142": "2011.0142",
    "arXiv:9913.12345": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_an_arxiv_id_in_text_needs_its_name_and_a_month(text: str) -> None:
    found = identifiers.ARXIV_TEXT.search(text)
    assert (found[1] if found else None) == TEXTS[text]


def test_the_date_of_an_arxiv_id() -> None:
    assert identifiers.arxiv_date("1503.02531") == (2015, 3)
    assert identifiers.arxiv_date("cs/9901002") == (1999, 1)


NAMES = {
    "Aäron van den Oord": Person(given="Aäron", particle="van den", family="Oord"),
    "van den Oord, Aäron": Person(given="Aäron", particle="van den", family="Oord"),
    "Martin Luther King, Jr.": Person(given="Martin Luther", family="King", suffix="Jr."),
    "King, Jr., Martin Luther": Person(given="Martin Luther", family="King", suffix="Jr."),
    "Kaiming He": Person(given="Kaiming", family="He"),
    "C. Lawrence Zitnick": Person(given="C. Lawrence", family="Zitnick"),
    "Plato": Person(family="Plato"),
    "Eghbali, A.": Person(given="A.", family="Eghbali"),
    "Van Nguyen": Person(given="Van", family="Nguyen"),
    "Charles de Gaulle": Person(given="Charles", particle="de", family="Gaulle"),
    "周志华": Person(family="周志华"),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_has_its_parts(text: str) -> None:
    assert names.person(text) == NAMES[text]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_written_either_way_is_the_same_person(text: str) -> None:
    person = NAMES[text]
    assert names.person(names.inverted(person)) == person
    if person.suffix is None or person.particle is None:
        assert names.person(names.natural(person)) == person


@given(st.text(max_size=60))
def test_any_text_is_some_person(text: str) -> None:
    person = names.person(text)
    assert person.family or person.literal is not None
    names.surname(person)


EQUAL = [
    ("Training Free Transformer Architecture Search", "Training-free Transformer Architecture Search"),
    ("Vision &amp; Language", "Vision & Language"),
    ("Pre\u00adtraining", "Pretraining"),
    ("Łukasz’s Øre", "Lukasz's Ore"),
    ("ＭＬＰ", "MLP"),
    ("{BERT}: Pre-training", "BERT: Pre-Training"),
    ("<i>Deep</i> Learning", "Deep Learning"),
    ("SOTOPIA-π", "SOTOPIA-pi"),
]
DIFFERENT = [
    ("C++ in depth", "C in depth"),
    ("YOLOv3", "YOLOv4"),
    ("深度学习综述", "图神经网络综述"),
    ("Обучение с подкреплением", "Обучение без учителя"),
    ("", ""),
    ("!!!", "???"),
]


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_titles_that_are_equal(first: str, second: str) -> None:
    assert titles.comparison(first) == titles.comparison(second) != ""


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_titles_that_are_not(first: str, second: str) -> None:
    ours, theirs = titles.comparison(first), titles.comparison(second)
    assert ours != theirs or ours == ""


@given(st.text(max_size=80))
def test_a_comparison_form_is_its_own(text: str) -> None:
    form = titles.comparison(text)
    assert titles.comparison(form) == form


# ---------------------------------------------------------------------------------------------------------------

GRAMMAR = re.compile(r"[a-z0-9][a-z0-9:_-]*")


@given(title=st.text(max_size=60), family=st.none() | st.text(max_size=12), year=st.none() | st.integers(1000, 9999))
def test_every_key_made_is_a_key(title: str, family: str | None, year: int | None) -> None:
    entry = Entry(
        title=title,
        authors=(Person(family=family),) if family is not None else (),
        date=Date(year=year) if year else None,
    )
    assert GRAMMAR.fullmatch(keys.base(entry))


KEYS = [
    (
        Entry(title="Decoupled Knowledge Distillation", authors=(Person(family="Zhao"),), date=Date(year=2022)),
        "zhao2022decoupled",
    ),
    (
        Entry(title="A Survey of Things", authors=(Person(family="Müller-Żak"),), date=Date(year=2020)),
        "mullerzak2020survey",
    ),
    (Entry(title="FQ-ViT: Fully Quantized", date=Date(year=2021)), "fqvit2021"),
    (Entry(title="How Do Vision Transformers Work?", date=Date(year=2022)), "visiontransformerswork2022"),
    (Entry(title="深度学习", ids={"arxiv": "1503.02531"}), "arxiv-1503-02531"),
    (Entry(title="𝛼NAS: Search", date=Date(year=2022)), "alphanas2022"),
]


@pytest.mark.parametrize(("entry", "key"), KEYS, ids=[key for _, key in KEYS])
def test_a_key_is_what_one_expects(entry: Entry, key: str) -> None:
    assert keys.base(entry) == key


def test_a_title_in_another_script_has_a_key_of_its_own() -> None:
    first, second = keys.base(Entry(title="深度学习")), keys.base(Entry(title="强化学习"))
    assert first != second and first.startswith("w") and len(first) == 9


@given(st.lists(st.sampled_from(["smith2021deep", "Smith2021Deep", "lee2020"]), max_size=80))
def test_suffixes_are_unique_without_regard_to_case(bases: list[str]) -> None:
    taken: set[str] = set()
    for base in bases:
        key = keys.unique(base, taken)
        assert key.casefold() not in taken and key.startswith(base)
        taken.add(key.casefold())


@pytest.mark.parametrize("pattern", ["{autor}{year}", "{", "nothing", "{author"])
def test_a_pattern_of_unknown_fields_is_refused(pattern: str) -> None:
    with pytest.raises(Failure):
        keypattern.compiled(pattern)


# ---------------------------------------------------------------------------------------------------------------


def paper(title: str, **more: object) -> Entry:
    return Entry(kind="document", title=title, **more)  # type: ignore[arg-type]


ONE = [
    ("the same title", paper("Deep Things of Nets"), paper("Deep things of nets")),
    (
        "the same arXiv id",
        paper("A", ids={"arxiv": "1503.02531"}),
        paper("A: with more words", ids={"arxiv": "1503.02531"}),
    ),
    (
        "preprint and its published version",
        paper("Deep Things", date=Date(year=2020)),
        paper("Deep Things", date=Date(year=2022)),
    ),
    (
        "an arXiv DOI beside the publisher's",
        paper("Deep Things", ids={"doi": "10.48550/arxiv.1"}),
        paper("Deep Things", ids={"doi": "10.1145/1"}),
    ),
]
ASKED = [
    (
        "two arXiv ids",
        paper("Deep Things", ids={"arxiv": "1503.02531"}),
        paper("Deep Things", ids={"arxiv": "1606.07947"}),
    ),
    ("years far apart", paper("Deep Things", date=Date(year=2010)), paper("Deep Things", date=Date(year=2022))),
    (
        "other authors",
        paper("Deep Things", authors=(Person(family="Li"),)),
        paper("Deep Things", authors=(Person(family="Kim"),)),
    ),
    (
        "one id, two titles",
        paper("Graphs of Rain", ids={"doi": "10.1/x"}),
        paper("Zebra Crossings", ids={"doi": "10.1/x"}),
    ),
    (
        "one word apart",
        paper("Fully Quantized Transformer for Improved Translation"),
        paper("Fully Quantized Transformer for Machine Translation"),
    ),
]
APART = [
    (
        "a subset",
        paper("Post-Training Quantization for Vision Transformer"),
        paper("FQ-ViT: Post-Training Quantization for Fully Quantized Vision Transformer"),
    ),
    ("a number", paper("A Good Detector of Objects in Images 3"), paper("A Good Detector of Objects in Images 4")),
    (
        "a survey of it",
        paper("Neural Architecture Search for Transformers Today"),
        paper("Neural Architecture Search for Transformers Today Survey"),
    ),
    ("no title", paper(""), paper("")),
    ("other scripts", paper("深度学习综述"), paper("图神经网络综述")),
]


def decided(first: Entry, second: Entry) -> str:
    groups, questions = matching.groups([first, second])
    return "one" if len(groups) == 1 else "asked" if questions else "apart"


@pytest.mark.parametrize(
    ("verdict", "first", "second"),
    [(verdict, a, b) for verdict, table in (("one", ONE), ("asked", ASKED), ("apart", APART)) for _, a, b in table],
    ids=[name for table in (ONE, ASKED, APART) for name, _, _ in table],
)
def test_one_work_or_two(verdict: str, first: Entry, second: Entry) -> None:
    assert decided(first, second) == decided(second, first) == verdict


def test_a_person_decides() -> None:
    same, other = paper("Deep Things"), paper("Shallow Matters")
    assert len(matching.groups([same, other], same=[frozenset((0, 1))])[0]) == 1
    assert len(matching.groups([same, same], different=[frozenset((0, 1))])[0]) == 2


VENUES = {
    "CVPR'22 (Oral)": ("CVPR", 2022),
    "ICML2021": ("ICML", 2021),
    "NIPS 2022": ("NeurIPS", 2022),
    "ICLR-W'21": ("ICLR Workshop", 2021),
    "KDDw": ("KDD Workshop", None),
    "EMNLP Workshop '21": ("EMNLP Workshop", 2021),
    "NSDI' 24": ("NSDI", 2024),
    "arxiv [March'22]": ("arXiv", 2022),
    "arXiv:2020": ("arXiv", 2020),
    "ICCV'21 best paper": ("ICCV", 2021),
    "CoRR": ("arXiv", None),
    "In Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition, 2020": ("CVPR", 2020),
}


@pytest.mark.parametrize("text", VENUES)
def test_a_venue_is_known_by_its_names(text: str) -> None:
    from refsync.formats.survey import words

    found = words.load().mention(text)
    assert found is not None and (found.short, found.year) == VENUES[text]


def test_no_two_venues_share_a_name() -> None:
    """After folding every name leads to one venue: a second would be dead, or wrong."""
    table = venues.load()
    seen: dict[str, str] = {}
    for short, row in table.rows.items():
        assert row.kind in venues.KINDS, short
        for name in {venues.comparison(one) for one in (short, row.name, *row.aliases)}:
            assert seen.setdefault(name, short) == short, f"{name}: {seen[name]} and {short}"
