"""What is learned of works, from whom, and what is asked instead: against a stand-in for every source, on real sockets."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from refsync import documents, formats, resolve, web
from refsync.cli import cli
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.model import Catalog, Failure
from refsync.resolvers.asking import Sources
from refsync.resolvers.memory import Memory
from tests import services
from tests.conftest import EXAMPLE
from tests.services import Fault, Services

KNOWN = EXAMPLE / "known.bib"
SHORT = web.Patience(retries=2, backoff=0.01, longest=2, timeout=(1, 1))
TODAY = "2026-11-24"


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    # Of its own, not of the session: what one test leaves unanswered must not wait in the next.
    with HTTPServer(threaded=True) as one:
        yield one


@pytest.fixture
def world(server: HTTPServer) -> Services:
    known = formats.of_path("x.bib")
    assert known is not None
    return Services(server, known.read(KNOWN.read_text(encoding="utf-8"), "known.bib", Tables()).entries)


LIST = """# A list

## Pruning

- [Sixteen Heads](https://arxiv.org/abs/1905.10650): Are Sixteen Heads Really Better than One? NeurIPS 2019
- [Swin Transformer: Hierarchical Vision Transformer using Shifted Windows](https://arxiv.org/abs/2103.14030). ICCV 2021
- Training data-efficient image transformers & distillation through attention. ICML 2021
- Neural Architecture Search without Training. ICML 2021
- A Paper that Nobody Has Ever Heard of in this World. ICML 2021
"""
TITLES = {
    "Training data-efficient image transformers & distillation through attention",
    "Neural Architecture Search without Training",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "README.md").write_text(LIST, encoding="utf-8")
    return tmp_path / "list"


Run = Callable[..., resolve.Report]


@pytest.fixture
def run(tmp_path: Path, world: Services) -> Run:
    def resolved(
        folder: Path, *, offline: bool = False, secrets: dict[str, str] | None = None, **named: object
    ) -> resolve.Report:
        cache = tmp_path / "cache"
        contact = "someone@example.org"
        with (
            web.Services(cache, contact=contact, is_offline=offline, patience=SHORT) as asked,
            Memory(cache, TODAY) as memory,
        ):
            sources = Sources(asked, Tables(), memory, secrets or {}, world.address)
            return resolve.resolve(folder, sources=sources, cache=cache, today=TODAY, **named)  # type: ignore[arg-type]

    return resolved


def states(report: resolve.Report) -> dict[str, str]:
    return {one.before.title: one.state for one in report.outcomes}


def catalog_of(folder: Path) -> Catalog:
    return catalog_file.read(documents.text_of(folder / "catalog.yaml"), "catalog.yaml")[0]


def facts_of(folder: Path) -> set[str]:
    return {f"{entry.key}.{name}" for entry in catalog_of(folder).entries for name in entry.said}


def test_works_are_completed_with_who_said_it(folder: Path, run: Run, world: Services) -> None:
    report = run(folder)
    assert sorted(states(report).values()) == ["not found", *["resolved"] * 4]
    swin = next(one for one in catalog_of(folder).entries if one.title.startswith("Swin"))
    assert [person.family for person in swin.authors][:3] == ["Liu", "Lin", "Cao"]
    assert swin.authors[0].given == "Ze", "full names win over initials"
    assert swin.said["authors"].by == "crossref", "found by the DOI that Semantic Scholar knows"
    assert swin.said["authors"].via == "arxiv:2103.14030"
    assert swin.said["authors"].on == TODAY
    found = next(one for one in catalog_of(folder).entries if one.title in TITLES)
    assert found.said["authors"].via == found.title, "what was found by title says so"
    assert found.key.startswith(names_of_first(found.key)), "a provisional key became the real one"


def names_of_first(key: str) -> str:
    return key.partition("20")[0]


def test_requests_are_few_and_none_the_second_time(folder: Path, run: Run, world: Services) -> None:
    run(folder)
    assert world.count("/export.arxiv.org/") == 1
    assert world.count("/paper/batch") == 1
    assert world.count("/search/match") + world.count("query.bibliographic") == 3, (
        "one for each work without identifier"
    )
    before, text = len(world.asked), (folder / "catalog.yaml").read_bytes()
    run(folder)
    assert len(world.asked) == before
    assert (folder / "catalog.yaml").read_bytes() == text


def test_the_cold_example(tmp_path: Path, run: Run, world: Services) -> None:
    folder = tmp_path / "example"
    folder.mkdir()
    shutil.copy(EXAMPLE / "README.md", folder)
    report = run(folder)
    without = sum(not one.before.ids for one in report.outcomes)
    assert world.count("/export.arxiv.org/") <= 1
    assert world.count("/paper/batch") <= 1
    assert world.count("/search/match") + world.count("query.bibliographic") <= without
    before = len(world.asked)
    run(folder)
    assert len(world.asked) == before
    wrong = [one.before.title for one in report.outcomes if one.state == "resolved" and one.after.year is None]
    assert not wrong


FAULTS: dict[str, list[Fault]] = {
    "429 for ever": [services.status(429)],
    "429 with Retry-After, then well": [services.status(429, Retry_After="1"), services.whole],
    "429 for an hour": [services.status(429, Retry_After="3600")],
    "503": [services.status(503)],
    "500 once": [services.status(500), services.whole],
    "403": [services.status(403)],
    "400": [services.status(400)],
    "a page with 200": [services.page],
    "another type": [services.other_type],
    "broken JSON": [services.broken],
    "an empty answer": [services.empty],
    "a cut connection": [services.cut],
    "no answer in time": [services.slow],
}
WELL = {"429 with Retry-After, then well", "500 once"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_never_an_answer(fault: str, folder: Path, run: Run, world: Services) -> None:
    hosts = [
        "export.arxiv.org",
        "api.semanticscholar.org",
        "api.crossref.org",
        "api.datacite.org",
        "api.openalex.org",
        "doi.org",
    ]
    for host in hosts:
        world.faults[host] = list(FAULTS[fault])
    report = run(folder)
    assert set(states(report).values()) <= {"resolved", "blocked", "not found"}
    if fault not in WELL:
        assert set(states(report).values()) == {"blocked"}, "nothing was said about any work"
        assert not any("arxiv" in by.by for one in catalog_of(folder).entries for by in one.said.values())
    assert len(catalog_of(folder).entries) == 5
    assert len(world.asked) < 60, "bounded, whatever the server says"
    world.faults.clear()
    asked = len(world.asked)
    again = run(folder)
    assert sorted(states(again).values()) == ["not found", *["resolved"] * 4], "what failed was not believed"
    assert len(world.asked) > asked or fault in WELL


@pytest.mark.parametrize("host", ["export.arxiv.org", "api.semanticscholar.org", "api.crossref.org"])
def test_one_source_down_leaves_the_others(host: str, folder: Path, run: Run, world: Services) -> None:
    world.faults[host] = [services.status(503)]
    report = run(folder)
    counts = list(states(report).values())
    assert counts.count("resolved") >= 3
    world.faults.clear()
    asked = list(world.asked)
    run(folder)
    repeated = [one for one in world.asked[len(asked) :] if one in asked and host not in one]
    assert not repeated, "what succeeded is not asked again"


def test_a_batch_with_nulls_and_another_order(folder: Path, run: Run, world: Services) -> None:
    (folder / "README.md").write_text(
        LIST + "- [A Work that Semantic Scholar Lacks](https://arxiv.org/abs/2001.00001). arXiv 2020\n",
        encoding="utf-8",
    )
    report = run(folder)
    assert states(report)["A Work that Semantic Scholar Lacks"] == "not found"
    assert sum(state == "resolved" for state in states(report).values()) == 4


def test_a_person_who_stops_it_keeps_what_was_learned(folder: Path, run: Run, world: Services) -> None:
    world.faults["api.crossref.org"] = [interrupt]
    report = run(folder)
    assert report.is_stopped
    assert facts_of(folder), "what was learned until then is in the catalog"
    world.faults.clear()
    assert sorted(states(run(folder)).values()) == ["not found", *["resolved"] * 4]


def interrupt(request: Request, right: Response) -> Response:
    """A person presses Ctrl-C while an answer is on its way."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.5)
    return right


def test_link_and_title_disagree(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text(
        "# L\n\n- [Completely Another Subject of Marine Biology](https://arxiv.org/abs/2103.14030). ICCV 2021\n",
        encoding="utf-8",
    )
    (outcome,) = run(folder).outcomes
    assert outcome.state == "conflict"
    assert "Swin Transformer" in outcome.why
    assert outcome.after == outcome.before
    assert 'arxiv: "2103.14030"' in outcome.line


def test_an_identifier_that_another_entry_has_is_a_question(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text(
        "# L\n\n## A\n\n- [Swin](https://arxiv.org/abs/2103.14030): Hierarchical Transformers with Windows. ICCV 2021\n\n"
        "## B\n\n- Swin Transformer: Hierarchical Vision Transformer using Shifted Windows. ICCV 2021\n",
        encoding="utf-8",
    )
    report = run(folder)
    asked = [one for one in report.outcomes if one.state == "ambiguous"]
    assert len(asked) == 1
    assert asked[0].line.startswith("same: [[")
    assert len(catalog_of(folder).entries) == 2
    (folder / "corrections.yaml").write_text(asked[0].line, encoding="utf-8")
    run(folder)
    (one,) = catalog_of(folder).entries
    assert one.aliases


def test_corrections_are_never_overwritten_and_their_facts_stay(folder: Path, run: Run) -> None:
    run(folder)
    key = next(one.key for one in catalog_of(folder).entries if one.title.startswith("Swin"))
    (folder / "corrections.yaml").write_text(f"{key}: {{date: 1999, authors: [Ann Other]}}\n", encoding="utf-8")
    run(folder, refresh=["all"])
    entry = catalog_of(folder).by_key[key]
    assert (entry.year, entry.authors[0].family) == (1999, "Other")
    (folder / "corrections.yaml").write_text(
        '"A Paper that Nobody Has Ever Heard of in this World": {ids: {arxiv: "2103.14030"}}\n', encoding="utf-8"
    )
    report = run(folder)
    assert states(report)["A Paper that Nobody Has Ever Heard of in this World"] == "ambiguous", "Swin has it already"


def test_a_person_answers_with_an_identifier(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text("# L\n\n- Windows that Shift, in Layers of Layers. ICCV 2021\n", encoding="utf-8")
    (folder / "corrections.yaml").write_text(
        '"Windows that Shift, in Layers of Layers": {ids: {arxiv: "2103.14030"}}\n', encoding="utf-8"
    )
    (outcome,) = run(folder).outcomes
    assert outcome.state == "resolved"
    (entry,) = catalog_of(folder).entries
    assert entry.title.startswith("Swin Transformer")
    assert CliRunner().invoke(cli, ["build", str(folder)]).exit_code == 0
    assert catalog_of(folder).entries == (entry,), "the next build keeps it"


def test_facts_go_with_the_identifier_they_were_found_through(folder: Path, run: Run) -> None:
    run(folder)
    assert next(one for one in catalog_of(folder).entries if one.title.startswith("Swin")).authors
    text = (folder / "README.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(text.replace("2103.14030", "2103.99999"), encoding="utf-8")
    assert CliRunner().invoke(cli, ["build", str(folder)]).exit_code == 0
    swin = next(one for one in catalog_of(folder).entries if one.title.startswith("Swin"))
    assert not swin.authors, "what the old link told is gone with it"


def test_dry_run_writes_nothing_and_shows_every_field(
    folder: Path, tmp_path: Path, world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFSYNC_MIRROR", world.address)
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(tmp_path / "other"))
    result = CliRunner().invoke(cli, ["resolve", str(folder), "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "+ authors: Ze Liu" in result.stdout
    assert sorted(one.name for one in folder.iterdir()) == ["README.md"]


def test_freeze_adds_and_changes_nothing(folder: Path, run: Run) -> None:
    (folder / "refsync.yaml").write_text("freeze: true\n", encoding="utf-8")
    CliRunner().invoke(cli, ["build", str(folder)])
    before = {one.key: one for one in catalog_of(folder).entries}
    run(folder)
    for entry in catalog_of(folder).entries:
        old = before[entry.key]  # no key is new
        assert (entry.title, entry.venue and entry.venue.short, entry.year) == (
            old.title,
            old.venue and old.venue.short,
            old.year,
        )
    assert any(one.authors for one in catalog_of(folder).entries)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"specs": ["arxive"]}, "arxiv"),
        ({"refresh": ["nobody"]}, "nobody"),
        ({"specs": ["bib:none.bib"]}, "no such file"),
    ],
)
def test_what_there_is_not_is_told(named: dict[str, list[str]], says: str, folder: Path, run: Run) -> None:
    with pytest.raises(Failure) as told:
        run(folder, **named)
    assert says in str(told.value)


def test_no_secret_leaves_its_server_or_stays(folder: Path, tmp_path: Path, run: Run, world: Services) -> None:
    secret = "s3cr3t-k3y-of-a-person"
    run(folder, secrets={"S2_API_KEY": secret, "OPENALEX_API_KEY": secret})
    assert not any(secret in value for one in world.headers for value in one.values()), "a mirror is given no key"
    question = web.Question(
        url=f"{world.address}/api.semanticscholar.org/graph/v1/paper/search/match?query=Swin",
        header=("x-api-key", secret),
    )
    with web.Services(tmp_path / "cache", contact="someone@example.org", patience=SHORT) as asked:
        asked.ask(question)
        assert world.headers[-1].get("X-Api-Key") == secret, "its own server is"
        world.faults["go"] = [
            lambda request, right: services.Response(
                "",
                302,
                {
                    "Location": world.address.replace("localhost", "127.0.0.1")
                    + "/export.arxiv.org/api/query?id_list=2103.14030"
                },
            )
        ]
        asked.ask(web.Question(url=f"{world.address}/go", header=("x-api-key", secret)))
    assert secret not in str(world.headers[-1]), "no redirect takes it elsewhere"
    assert secret not in repr(question)
    for path in (*tmp_path.rglob("*"),):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data, path
            assert b"someone@example.org" not in data, path


# ---------------------------------------------------------------------------------------------------------------
# Runs that follow one another


def sayings(folder: Path) -> dict[str, object]:
    """What the catalog says of each work, without who said it when."""
    return {
        one.title: (one.authors, one.date, one.venue, one.pages, sorted(one.ids.items()))
        for one in catalog_of(folder).entries
    }


@pytest.mark.parametrize("down", [["export.arxiv.org", "api.crossref.org"], ["export.arxiv.org"], ["api.crossref.org"]])
def test_what_a_source_did_not_say_comes_with_the_next_run(
    down: list[str], folder: Path, tmp_path: Path, run: Run, world: Services
) -> None:
    for host in down:
        world.faults[host] = [services.status(503)]
    report = run(folder)
    assert report.silent or report.owed, "who did not answer is told"
    world.faults.clear()
    run(folder)
    late = sayings(folder)
    count = len(world.asked)
    run(folder)
    assert len(world.asked) == count, "and then nothing is asked any more"
    (folder / "catalog.yaml").unlink()
    shutil.rmtree(tmp_path / "cache")
    run(folder)
    assert late == sayings(folder), "as in a run without faults"


def test_after_an_interrupt_the_next_run_learns_the_rest(
    folder: Path, tmp_path: Path, run: Run, world: Services
) -> None:
    for label in ("asking semanticscholar", "asking arxiv"):

        def told(what: str, done: int, total: int, label: str = label) -> None:
            if what == label:
                raise KeyboardInterrupt

        report = run(folder, told=told)
        assert report.is_stopped, label
    run(folder)
    after = sayings(folder)
    (folder / "catalog.yaml").unlink()
    shutil.rmtree(tmp_path / "cache")
    run(folder)
    assert after == sayings(folder)


def test_refresh_asks_anew_and_replaces_what_was_wrong(folder: Path, run: Run, world: Services) -> None:
    def wrong(request: Request, right: Response) -> Response:
        body = right.get_data().replace(b"Mellor", b"Wrong").replace(b"Michel", b"Wrong").replace(b"Liu", b"Wrong")
        return Response(body, content_type=right.content_type)

    for host in ("api.semanticscholar.org", "export.arxiv.org", "api.crossref.org"):
        world.faults[host] = [wrong]
    run(folder)
    families = {person.family for entry in catalog_of(folder).entries for person in entry.authors}
    assert "Wrong" in families
    world.faults.clear()
    count = len(world.asked)
    assert (
        states(run(folder, refresh=["all"])).pop("A Paper that Nobody Has Ever Heard of in this World") == "not found"
    )
    assert len(world.asked) > count
    families = {person.family for entry in catalog_of(folder).entries for person in entry.authors}
    assert "Wrong" not in families
    assert {"Mellor", "Michel", "Liu"} <= families


@pytest.mark.parametrize("fault", [services.status(503), services.status(404), services.page])
def test_refresh_loses_nothing_where_nobody_answers(fault: Fault, folder: Path, run: Run, world: Services) -> None:
    run(folder)
    assert facts_of(folder)
    before = (folder / "catalog.yaml").read_bytes()
    for host in (
        "export.arxiv.org",
        "api.crossref.org",
        "api.semanticscholar.org",
        "api.datacite.org",
        "doi.org",
        "api.openalex.org",
    ):
        world.faults[host] = [fault]
    run(folder, refresh=["all"])
    assert (folder / "catalog.yaml").read_bytes() == before


def test_a_refresh_that_learns_the_same_writes_the_same(folder: Path, run: Run) -> None:
    run(folder)
    assert facts_of(folder)
    before = (folder / "catalog.yaml").read_bytes()
    run(folder, refresh=["all"])
    assert (folder / "catalog.yaml").read_bytes() == before


def test_a_limit_comes_to_every_work_in_turn(folder: Path, run: Run) -> None:
    for _ in range(5):
        assert sum(one.is_new for one in run(folder, limit=1).outcomes) <= 1
    found = {one.title: bool(one.authors) for one in catalog_of(folder).entries}
    assert found.pop("A Paper that Nobody Has Ever Heard of in this World") is False
    assert all(found.values()), found


def test_a_mixed_up_identifier_is_not_believed(folder: Path, run: Run, world: Services) -> None:
    title = "Structured Pruning of Speech Transformers by Learned Attention Masks"
    (folder / "README.md").write_text(f"# L\n\n## P\n\n- {title}. 2021\n", encoding="utf-8")
    paper = {
        "paperId": "a" * 40,
        "title": title,
        "year": 2021,
        "venue": "arXiv.org",
        "authors": [{"name": "R. Right"}],
        "externalIds": {"DOI": "10.1000/other"},
    }
    other = {
        "DOI": "10.1000/other",
        "type": "journal-article",
        "title": ["Transformers with Attention for Botany"],
        "container-title": ["Botany Letters"],
        "volume": "9",
        "author": [{"family": "Wrong", "given": "Wanda"}],
        "issued": {"date-parts": [[2012]]},
    }
    works = {"message-type": "work-list", "message": {"items": [other]}}
    world.faults["api.semanticscholar.org"] = [
        lambda request, right: services._json({"data": [paper]} if "match" in request.path else [paper])
    ]
    world.faults["api.crossref.org"] = [lambda request, right: services._json(works)]
    run(folder)
    (entry,) = catalog_of(folder).entries
    assert (entry.title, entry.volume, dict(entry.ids)) == (title, None, {})
    assert [one.family for one in entry.authors] == ["Right"]


SAME = "Learning to Rank with Deep Graph Networks"


def test_two_entries_do_not_take_one_record(folder: Path, run: Run) -> None:
    (folder / "own.bib").write_text(
        f"@inproceedings{{a, title={{{SAME}}}, author={{Ann Smith and Bo Li}}, year={{2021}}, booktitle={{ICML}}}}",
        encoding="utf-8",
    )
    (folder / "README.md").write_text(
        f"# L\n\n## P\n\n- **{SAME}**. *Ann Smith*. ICML 2021\n- **{SAME}**. *Bo Li*. ICML 2021\n", encoding="utf-8"
    )
    report = run(folder, specs=["bib:own.bib"], offline=True)
    assert [one.state for one in report.outcomes] == ["ambiguous", "ambiguous"]
    assert all("same record" in one.why for one in report.outcomes)


def test_a_record_without_identifier_is_answered_by_its_line(folder: Path, run: Run) -> None:
    (folder / "own.bib").write_text(
        f"@inproceedings{{a, title={{{SAME}}}, author={{Smith, Ann}}, year={{2021}}, booktitle={{ECCV}}}}\n"
        f"@inproceedings{{b, title={{{SAME}}}, author={{Li, Bo}}, year={{2021}}, booktitle={{ICML}}}}",
        encoding="utf-8",
    )
    (folder / "README.md").write_text(f"# L\n\n## P\n\n- {SAME}. 2021\n", encoding="utf-8")
    (outcome,) = run(folder, specs=["bib:own.bib"], offline=True).outcomes
    assert outcome.state == "ambiguous"
    wanted = next(line for line in outcome.line.splitlines() if "Li" in line)
    (folder / "corrections.yaml").write_text(wanted, encoding="utf-8")
    (outcome,) = run(folder, specs=["bib:own.bib"], offline=True).outcomes
    assert outcome.state == "resolved"
    assert [one.family for one in outcome.after.authors] == ["Li"]
    assert outcome.after.venue is not None
    assert outcome.after.venue.short == "ICML"


# ---------------------------------------------------------------------------------------------------------------
# What belongs together stays together


def record(key: str, kind: str = "inproceedings", **fields: str) -> str:
    said = {"title": SAME, "author": "Wu, Bo", "year": "2021", **fields}
    return f"@{kind}{{{key}, " + ", ".join(f"{name} = {{{value}}}" for name, value in said.items()) + "}\n"


def written(folder: Path, line: str, *records: str, corrections: str = "") -> None:
    (folder / "README.md").write_text(f"# L\n\n## P\n\n- {line}\n", encoding="utf-8")
    (folder / "own.bib").write_text("".join(records), encoding="utf-8")
    (folder / "corrections.yaml").write_text(corrections, encoding="utf-8")


def of_a_place(folder: Path) -> dict[str, str | None]:
    (one,) = catalog_of(folder).entries
    place = one.venue.short or one.venue.name if one.venue else None
    return {"venue": place, "year": str(one.year), "volume": one.volume, "pages": one.pages, "doi": one.ids.get("doi")}


ICML = record("icml", booktitle="ICML", volume="139", pages="3--4", doi="10.1234/icml")


def test_the_doi_of_one_publication_does_not_stand_beside_another(folder: Path, run: Run) -> None:
    conference = record("a", booktitle="CVPR", year="2020", pages="1--2")
    written(folder, f"{SAME}. CVPR 2020", conference, record("b", "article", journal="TPAMI", doi="10.1109/tpami.1"))
    run(folder, specs=["bib:own.bib"], offline=True)
    assert of_a_place(folder) == {"venue": "CVPR", "year": "2020", "volume": None, "pages": "1-2", "doi": None}


@pytest.mark.parametrize(
    ("line", "corrections"),
    [
        (f"{SAME}. NeurIPS 2021", ""),  # the list names another conference by now
        (f"{SAME}. ICML 2015", ""),  # or another time
        (f"**{SAME}**. *Ann Smith*. ICML 2021", ""),  # or somebody else
        (f"{SAME}. ICML 2021", f'"{SAME}": {{venue: NeurIPS}}'),
        (f"{SAME}. ICML 2021", f'"{SAME}": {{ids: {{doi: "10.1234/other"}}}}'),
        (f"[{SAME}](https://doi.org/10.1234/other). ICML 2021", ""),
    ],
)
def test_what_was_learned_goes_when_the_list_or_a_person_says_otherwise(
    line: str, corrections: str, folder: Path, run: Run
) -> None:
    written(folder, f"{SAME}. ICML 2021", ICML)
    run(folder, specs=["bib:own.bib"], offline=True)
    learned = {"venue": "ICML", "year": "2021", "volume": "139", "pages": "3-4", "doi": "10.1234/icml"}
    assert of_a_place(folder) == learned
    written(folder, line, ICML, corrections=corrections)
    assert CliRunner().invoke(cli, ["build", str(folder)]).exit_code == 0
    after = of_a_place(folder)
    assert (after["volume"], after["pages"]) == (None, None)
    assert after["doi"] in {None, "10.1234/other"}
    written(folder, f"{SAME}. ICML 2021", ICML)
    run(folder, specs=["bib:own.bib"], offline=True)
    assert of_a_place(folder) == learned, "and comes back with what it was said of"


def test_a_person_gives_the_venue_and_records_of_another_one_add_nothing_to_it(folder: Path, run: Run) -> None:
    written(folder, f"{SAME}. 2021", ICML, corrections=f'"{SAME}": {{venue: NeurIPS}}')
    run(folder, specs=["bib:own.bib"], offline=True)
    assert of_a_place(folder) == {"venue": "NeurIPS", "year": "2021", "volume": None, "pages": None, "doi": None}


def test_freeze_does_not_mix_two_publications(folder: Path, run: Run) -> None:
    written(folder, f"{SAME}. ECCV 2021", ICML)
    (folder / "refsync.yaml").write_text("freeze: true\n", encoding="utf-8")
    run(folder, specs=["bib:own.bib"], offline=True)
    assert of_a_place(folder) == {"venue": "ECCV", "year": "2021", "volume": None, "pages": None, "doi": None}


def test_another_publication_brings_its_own_doi(folder: Path, run: Run) -> None:
    written(
        folder, f"{SAME}. 2020", record("a", booktitle="CVPR", year="2020", author="Wu, Bo and others", doi="10.1109/1")
    )
    run(folder, specs=["bib:own.bib"], offline=True)
    written(folder, f"{SAME}. 2020", record("b", "article", journal="Neurocomputing", volume="7", pages="100--120"))
    run(folder, specs=["bib:own.bib"], offline=True)
    after = of_a_place(folder)
    assert after["doi"] is None or after["venue"] == "CVPR"


def test_two_entries_do_not_take_one_record_in_two_runs(folder: Path, run: Run) -> None:
    both = f"**{SAME}**. *Ann Smith*. ICML 2021\n- **{SAME}**. *Bo Li*. ICML 2021"
    written(folder, both, record("a", author="Ann Smith and Bo Li", booktitle="ICML", pages="1--2"))
    for _ in range(3):
        run(folder, specs=["bib:own.bib"], offline=True, limit=1)
    assert sum(one.pages is not None for one in catalog_of(folder).entries) <= 1


def test_works_that_a_person_keeps_apart_are_not_asked_again(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text(
        "# L\n\n## A\n\n- [Swin](https://arxiv.org/abs/2103.14030): Hierarchical Transformers with Windows. ICCV 2021\n\n"
        "## B\n\n- Swin Transformer: Hierarchical Vision Transformer using Shifted Windows. ICCV 2021\n",
        encoding="utf-8",
    )
    (asked,) = [one for one in run(folder).outcomes if one.state == "ambiguous"]
    (folder / "corrections.yaml").write_text(asked.line.partition("# or ")[2], encoding="utf-8")
    assert sorted(one.state for one in run(folder).outcomes) == ["not found", "resolved"]


def test_the_line_of_a_conflict_settles_it(folder: Path, run: Run) -> None:
    text = "# L\n\n- [Completely Another Subject of Marine Biology](https://arxiv.org/abs/2103.14030). ICCV 2021\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    (asked,) = run(folder).outcomes
    assert asked.state == "conflict"
    (folder / "corrections.yaml").write_text(asked.line, encoding="utf-8")
    (after,) = run(folder).outcomes
    assert after.state == "resolved"


def test_the_line_of_a_short_title_settles_it(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text("# L\n\n## P\n\n- Deep Learning. 2016\n", encoding="utf-8")
    (folder / "own.bib").write_text(
        "@book{a, title={Deep Learning}, year={2016}, publisher={MIT Press}}", encoding="utf-8"
    )
    (asked,) = run(folder, specs=["bib:own.bib"], offline=True).outcomes
    assert asked.state == "ambiguous"
    (folder / "corrections.yaml").write_text(asked.line, encoding="utf-8")
    (after,) = run(folder, specs=["bib:own.bib"], offline=True).outcomes
    assert after.state == "resolved"
