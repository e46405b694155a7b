"""What `resolve` meets of files, settings and caches that are not as they should be: a clear line, never a traceback; and a
cache that is damaged is begun anew, or done without."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from refsync import formats
from refsync.cli import cli, resolving
from refsync.mapping import Tables
from tests.conftest import ROOT
from tests.services import Services
from tests.test_bad_input import Ran, check_failure, put, run

LIST = "# A list\n\n- Graph Engines for Very Large Models. CVPR 2021\n- Sparse Attention in Long Documents. ICML 2020\n"
BIB = """\
@inproceedings{smith, title = {Graph Engines for Very Large Models}, author = {Smith, Jane}, year = {2021}}
@inproceedings{bee, title = {Sparse Attention in Long Documents}, author = {Bee, Ann}, year = {2020}}
"""
PACKED = gzip.compress(BIB.encode() * 50)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list and a bibliography that knows its works; the cache lies beside it."""
    put(tmp_path / "list", {"README.md": LIST, "mine.bib": BIB})
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "list"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """All sources, which know the works of the bibliography."""
    known = formats.of_path("x.bib")
    assert known is not None
    with HTTPServer(threaded=True) as server:
        world = Services(server, known.read(BIB, "x.bib", Tables()).entries)
        monkeypatch.setenv("REFSYNC_MIRROR", world.address)
        yield world


def asked(folder: Path) -> Ran:
    """`refsync resolve --dry-run`, which asks the sources."""
    result = CliRunner(catch_exceptions=False).invoke(cli, ["resolve", str(folder), "--dry-run"])
    return Ran(result.exit_code, result.stdout, result.stderr)


def resolved(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
    """`refsync resolve --offline --dry-run` within this process, faults and all."""
    line = ["resolve", str(folder), "--offline", "--dry-run", *arguments]
    result = CliRunner(catch_exceptions=False, env=env).invoke(cli, line, prog_name="refsync")
    return Ran(result.exit_code, result.stdout, result.stderr)


def is_resolved(ran: Ran) -> bool:
    return ran.code == 0 and "    2  resolved" in ran.err


# ---------------------------------------------------------------------------------------------------------------
# Bibliographies

SOURCES: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "cut off": ("bib:x.bib.gz", PACKED[: len(PACKED) // 2], ("x.bib.gz: cannot be unpacked", "ends too early")),
    "no gzip": ("bib:x.bib.gz", BIB.encode(), ("x.bib.gz: cannot be unpacked", "damaged", "again")),
    "damaged": ("ris:x.ris.gz", PACKED[:10] + b"\x07" * 90, ("x.ris.gz: cannot be unpacked", "damaged")),
    "damaged pieces": ("csl:x.json.gz", PACKED[:10] + b"\x07" * 90, ("x.json.gz: cannot be unpacked", "damaged")),
    "no text": ("bib:x.bib", b"\x89PNG\r\n\0\0", ("x.bib: is a binary file",)),
    "packed noise": ("bib:x.bib.gz", gzip.compress(b"\x89PNG\r\n\0\0"), ("x.bib.gz: is a binary file",)),
    "bottomless lines": ("catalog:x.jsonl", b"[" * 200_000, ("x.jsonl:1: not valid JSON: nested too deeply",)),
    "nobody's": ("bib:~nouser-of-this-name/x.bib", b"", ("bib:~nouser-of-this-name/x.bib", "~nouser", "Check")),
    "too long": (f"bib:{'x' * 5000}", b"", ("File name too long",)),
    "a name in Latin-1": ("bib:x\udcff.bib", b"", ("bib:x\\udcff.bib: the name is not valid UTF-8", "Rename")),
    "no name": ("bib:a\0b", b"", ("no such file",)),
}


@pytest.mark.parametrize("bad", SOURCES)
def test_a_source_that_cannot_be_read_is_one_line(bad: str, folder: Path) -> None:
    spec, data, says = SOURCES[bad]
    kind, _, name = spec.partition(":")
    if data:
        put(folder, {name: data})
        spec = f"{kind}:{name}"
    check_failure(resolved(folder, "--source", spec), 1, *says)


@pytest.mark.parametrize("bad", ["cut off", "no gzip", "damaged", "no text"])
def test_one_bad_file_of_a_folder_stops_no_other(bad: str, folder: Path) -> None:
    spec, data, says = SOURCES[bad]
    name = spec.partition(":")[2].replace("ris", "bib")
    put(folder, {f"lib/a-{name}": data, "lib/b.bib": BIB})
    ran = resolved(folder, "--source", "bib:lib")
    assert is_resolved(ran), ran.err
    assert says[0].replace("ris", "bib") in ran.err


DEEP: dict[str, tuple[str, int]] = {  # and how many lines are said of it
    "brackets": ("[" * 200_000, 1),
    "braces": ('[{"a":' * 10_000, 1),
    "after an item": ('[{"id": "a", "type": "book", "title": "T"}, ' + "[" * 200_000, 0),
    "in an item": ('[{"id": "a", "type": "book", "title": "T", "x": ' + "[" * 900 + "]" * 900 + "}]", 0),
    "far too deep in an item": ('[{"id": "a", "type": "book", "x": ' + "[" * 9000 + "]" * 9000 + "}]", 1),
}


@pytest.mark.parametrize("deep", DEEP)
def test_a_bottomless_file_is_told(deep: str, folder: Path) -> None:
    text, count = DEEP[deep]
    put(folder, {"deep.json": text, "all/x.json": text})
    for spec in ("csl:deep.json", "csl:all"):
        ran = resolved(folder, "--source", spec)
        assert ran.code == 0, ran.err
        told = [line for line in ran.err.splitlines() if ".json:" in line]
        assert len(told) == count, ran.err
        assert all(len(line) < 300 for line in told)


@pytest.mark.parametrize("data", [b"", gzip.compress(b"")], ids=["no bytes", "packed"])
def test_a_library_without_works_is_told(data: bytes, folder: Path) -> None:
    put(folder, {"x.bib.gz": data, "all/x.bib.gz": data})
    assert "x.bib.gz: holds no works." in resolved(folder, "--source", "bib:x.bib.gz").err
    assert "all: holds no works." in resolved(folder, "--source", "bib:all").err


def test_a_packed_file_of_another_encoding(folder: Path) -> None:
    put(folder, {"x.bib.gz": gzip.compress(BIB.encode("utf-16"))})
    assert is_resolved(resolved(folder, "--source", "bib:x.bib.gz"))


def test_what_a_library_has_to_say_is_said_each_time(folder: Path) -> None:
    put(folder, {"mine.bib": BIB + "@article{open, title = {No End\n"})
    first, second = (resolved(folder, "--source", "bib:mine.bib") for _ in range(2))
    assert "mine.bib:3" in first.err
    assert second.err == first.err


# ---------------------------------------------------------------------------------------------------------------
# Caches


def noise(path: Path) -> None:
    path.write_bytes(b"\x07\xf3 no database " * 1000)


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def blotted(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.unlink()
    put(path, {"of": "somebody"})


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as base:
        base.executescript(
            "create table about (x); create table works (x); create table responses (x); create table redirects (x);"
            "insert into about values (1); insert into works values (1); insert into responses values (1);"
        )
    base.close()


DAMAGE = [noise, shortened, cut_at_a_page, blotted, emptied, a_folder, foreign]


def damaged(cache: Path, pattern: str, damage: Callable[[Path], None]) -> Path:
    (path,) = cache.glob(pattern)
    damage(path)
    return path


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_anew(damage: Callable[[Path], None], folder: Path) -> None:
    assert is_resolved(resolved(folder, "--source", "bib:mine.bib"))
    path = damaged(folder.parent / "cache", "sources/*.sqlite", damage)
    ran = resolved(folder, "--source", "bib:mine.bib")
    assert is_resolved(ran), ran.err
    assert sum(f"{path}: is damaged" in line for line in ran.err.splitlines()) == 1, ran.err
    assert "damaged" not in resolved(folder, "--source", "bib:mine.bib").err
    assert not list(path.parent.glob("*.tmp"))


def test_records_of_an_index_that_do_not_decode(folder: Path) -> None:
    resolved(folder, "--source", "bib:mine.bib")
    (path,) = (folder.parent / "cache").glob("sources/*.sqlite")
    with sqlite3.connect(path) as base:
        base.execute("update records set data = x'c1'")
    base.close()
    ran = resolved(folder, "--source", "bib:mine.bib")
    assert is_resolved(ran) and "is damaged" in ran.err


def test_the_draft_of_a_run_that_was_killed_goes_in_time(folder: Path) -> None:
    resolved(folder, "--source", "bib:mine.bib")
    (path,) = (folder.parent / "cache").glob("sources/*.sqlite")
    for name, age in (("old", 90_000), ("new", 60)):
        draft = path.with_name(f"{path.stem}.{name}.tmp")
        draft.touch()
        os.utime(draft, (time.time() - age,) * 2)
    put(folder, {"mine.bib": BIB + "% changed\n"})
    assert is_resolved(resolved(folder, "--source", "bib:mine.bib"))
    assert [one.name for one in path.parent.glob("*.tmp")] == [f"{path.stem}.new.tmp"]


def test_two_runs_may_read_one_library_at_one_time(folder: Path) -> None:
    put(folder, {"many.bib": BIB + "".join(f"@book{{b{at}, title = {{Book {at}}}}}\n" for at in range(4000))})
    others = [Path(shutil.copytree(folder, folder.parent / name)) for name in ("a", "b", "c")]
    line = ("--offline", "--dry-run", "--source", f"bib:{folder / 'many.bib'}")
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda other: run("resolve", other, *line), others))
    for ran in done:
        assert is_resolved(ran), ran.err
        assert "cache" not in ran.err
    assert [path.suffix for path in (folder.parent / "cache" / "sources").iterdir()] == [".sqlite"]


LINKED = LIST.replace(
    "Graph Engines for Very Large Models", "[Graph Engines for Very Large Models](https://doi.org/10.1/x)"
)


def says_once(ran: Ran, *words: str) -> None:
    """One line with these words, and the works are found all the same."""
    assert is_resolved(ran), ran.err
    assert sum(all(word in line for word in words) for line in ran.err.splitlines()) == 1, ran.err


@pytest.mark.parametrize("name", ["metadata.sqlite", "works.sqlite"])
@pytest.mark.parametrize("damage", [noise, cut_at_a_page, a_folder, foreign])
def test_damaged_answers_are_set_aside(
    name: str, damage: Callable[[Path], None], folder: Path, world: Services
) -> None:
    assert is_resolved(asked(folder))
    path = damaged(folder.parent / "cache", name, damage)
    before = path.read_bytes() if path.is_file() else b""
    says_once(asked(folder), f"{path}: is damaged", f"{name}.damaged")
    assert not before or path.with_name(f"{name}.damaged").read_bytes() == before
    asked_so_far = len(world.asked)
    assert "damaged" not in asked(folder).err, "it is whole again"
    assert len(world.asked) == asked_so_far


ROWS = {
    "no value": b"",
    "no pickle": b"\xc1 damaged",
    "another value": b"I5\n.",
    "a class that is gone": b"cno_such_module\nThing\n.",
}


@pytest.mark.parametrize("row", ROWS)
def test_answers_that_do_not_decode_are_asked_for_again(row: str, folder: Path, world: Services) -> None:
    put(folder, {"README.md": LINKED})
    world.by_id["doi", "10.1/x"] = world.works[0]
    asked(folder)
    for name, table, column in (("metadata", "responses", "value"), ("works", "works", "data")):
        with sqlite3.connect(folder.parent / "cache" / f"{name}.sqlite") as base:
            assert base.execute(f"update {table} set {column} = ?", (ROWS[row],)).rowcount
        base.close()
    before = len(world.asked)
    ran = asked(folder)
    assert is_resolved(ran) and len(world.asked) == 2 * before
    assert "deserialize" not in ran.err


def test_a_day_that_is_none_is_not_remembered(folder: Path, world: Services) -> None:
    put(folder, {"README.md": LINKED})
    asked(folder)
    with sqlite3.connect(folder.parent / "cache" / "works.sqlite") as base:
        assert base.execute("update works set day = 'yesterday'").rowcount
    base.close()
    assert asked(folder).code == 0


def test_a_cache_that_cannot_be_is_done_without(folder: Path, world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder.parent, {"a-file": "x"})
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder.parent / "a-file"))
    says_once(asked(folder), "a-file/metadata.sqlite: the cache cannot be used", "REFSYNC_CACHE_DIR")
    says_once(resolved(folder, "--source", "bib:mine.bib"), "a-file/sources/", "the cache cannot be used")


_FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from refsync.cli import cli
cli(sys.argv[2:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("size", [1000, 5000, 10_000, 20_000])
def test_a_disk_that_is_full_has_no_room_for_a_cache(size: int, folder: Path) -> None:
    line = ["resolve", str(folder), "--offline", "--dry-run", "--source", "bib:mine.bib"]
    command = [sys.executable, "-c", _FULL_DISK, str(size), *line]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert is_resolved(Ran(done.returncode, done.stdout, done.stderr)), done.stderr
    assert "the cache cannot be used" in done.stderr


@pytest.mark.parametrize("first", [True, False], ids=["at first", "with a cache"])
def test_a_cache_that_may_not_be_written_is_done_without(first: bool, folder: Path, world: Services) -> None:
    """As another user; a run that waits for the right to write would never end."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        pytest.skip("only root can become another user")
    if not first:
        asked(folder)
        resolved(folder, "--source", "bib:mine.bib")
        put(folder, {"mine.bib": BIB + "% changed\n"})
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        cache = Path(name) / "cache"
        shutil.copytree(folder.parent / "cache", cache) if not first else cache.mkdir()
        shutil.copytree(folder, Path(name) / "list")
        command = [
            sys.executable,
            "-c",
            _AS_NOBODY,
            f"{name}/list",
            "--dry-run",
            "--source",
            f"bib:{name}/list/mine.bib",
        ]
        env = {**os.environ, "REFSYNC_CACHE_DIR": str(cache)}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=env)
    ran = Ran(done.returncode, done.stdout, done.stderr.partition("\0")[2])
    for file in ("metadata.sqlite", "works.sqlite", "sources/"):
        says_once(ran, f"cache/{file}", "the cache cannot be used")


_AS_NOBODY = """
import os, sys
from refsync import build, merging, resolve, web
from refsync.cli import cli
import requests_cache, urllib3
sys.stderr.write("\\0")
sys.stderr.flush()
build.build(__import__("pathlib").Path(sys.argv[1]), dry_run=True)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
cli(["resolve", *sys.argv[1:]])
"""


# ---------------------------------------------------------------------------------------------------------------
# Settings and the network


@pytest.mark.parametrize(
    "mirror",
    ["localhost:8080", "ftp://a.b", "http://", "http://a:b", "http://[::1", "http://a b", "http://a:99999", "x"],
)
def test_a_mirror_that_is_no_address(mirror: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFSYNC_MIRROR", mirror)
    check_failure(asked(folder), 1, "REFSYNC_MIRROR", repr(mirror), "http://localhost:8080")


@pytest.mark.parametrize(
    ("source", "says"), [("bib:", "Did you mean bib: with a path after"), ("crosref", "Did you mean crossref?")]
)
def test_a_source_that_there_is_not(source: str, says: str, folder: Path) -> None:
    check_failure(resolved(folder, "--source", source), 2, says)


ODD: dict[str, tuple[dict[str, str], int, str]] = {  # variables, exit code, what is said
    "no certificates": ({"REQUESTS_CA_BUNDLE": "/nowhere/x.pem"}, 1, "the certificates: Could not find"),
    "no proxy": ({"https_proxy": "http://a:b:c"}, 0, "the proxy"),
    "a proxy of another sort": ({"https_proxy": "gopher://127.0.0.1:1"}, 0, "proxy"),
    "nobody's home": ({"REFSYNC_CACHE_DIR": "~nouser-of-this-name/x"}, 1, "Name a folder with REFSYNC_CACHE_DIR"),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_environment(odd: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, code, says = ODD[odd]
    for name in ("no_proxy", "NO_PROXY", "REFSYNC_MIRROR", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ran = asked(folder)
    assert ran.code == code and says in ran.err, ran.err
    assert sum(says in line for line in ran.err.splitlines()) == 1


def test_no_home_folder(folder: Path) -> None:
    """A user without a name, as in many containers."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        shutil.copytree(folder, Path(name) / "list")
        hidden = {"HOME", "XDG_CACHE_HOME", "REFSYNC_CACHE_DIR"}
        env = {key: value for key, value in os.environ.items() if key not in hidden}
        command = [sys.executable, "-c", _AS_NOBODY.replace("65534", "54321"), f"{name}/list", "--offline", "--dry-run"]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False, env=env)
    ran = Ran(done.returncode, done.stdout, done.stderr.partition("\0")[2])
    check_failure(ran, 1, "there is no home folder", "REFSYNC_CACHE_DIR")


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix shell closes the descriptor")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "| true", "2>&1 >/dev/null | true"])
def test_nobody_reads_what_it_says(closed: str, folder: Path) -> None:
    line = [sys.executable, "-m", "refsync", "resolve", str(folder), "--offline", "--json", "--source", "bib:mine.bib"]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *line], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Smith" in (folder / "catalog.yaml").read_text(encoding="utf-8"), "what was learned is written all the same"


def nobody_listens() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@pytest.mark.parametrize("mirror", [nobody_listens(), "http://no-such-host.invalid"])
def test_without_a_network_the_end_comes_soon(mirror: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFSYNC_MIRROR", mirror)
    put(folder, {"README.md": LIST + "".join(f"- Work {at} of Many in a Long Row. ACL 2020\n" for at in range(20))})
    begun = time.monotonic()
    ran = asked(folder)
    assert time.monotonic() - begun < 10
    assert ran.code == 0 and "   22  blocked" in ran.err
    says = [line for line in ran.err.splitlines() if "no connection" in line]
    assert len(says) == 1 and "semanticscholar, crossref, openalex" in says[0], ran.err


def test_a_long_run_is_told_of_in_a_log(folder: Path, world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert " of 2" not in asked(folder).err
    shutil.rmtree(folder.parent / "cache")
    monkeypatch.setattr(resolving, "_LONG", 0.0)
    assert asked(folder).err.startswith("  searching semanticscholar ... 0 of 2\n")
