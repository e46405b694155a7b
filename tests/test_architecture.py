"""Who may import whom. A module that grows a forbidden import fails here, with what to use instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "refsync"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Outside package -> the one module (or folder) that may import it, and what the others use.
DOORS = {
    "bibtexparser": ("formats/bibfile.py", "formats.of_path('x.bib').read"),
    "pylatexenc": ("formats/latex.py", "formats/latex.py's functions"),
    "pyzotero": ("sync/zotero.py", "the library of sync/"),
    "requests": ("web.py", "web.py's session"),
    "requests_cache": ("web.py", "web.py's session"),
    "platformdirs": ("folders.py", "folders.cache_folder and folders.state_folder"),
    "docutils": ("formats/survey/", "formats.survey.read"),
    "pyromark": ("formats/survey/", "formats.survey.read"),
    "click": ("cli/", "a return value that cli/ shows"),
    "yaml": ("documents.py", "documents.parsed and documents.written"),
    "msgspec": ("documents.py", "documents.Struct and documents.checked"),
    "werkzeug": ("sync/sandbox/", "sync.sandbox.serving"),
    "jinja2": ("formats/html.py", "formats/html.py's template"),
    "rapidfuzz": ("matching.py", "matching.similarity"),
    "httpx2": ("sync/", "sync.transport.Transport"),
    "tenacity": ("sync/transport.py", "sync.transport.Transport"),
    "filelock": ("sync/run.py", "sync.run.locked"),
    "keyring": ("sync/keyrings.py", "sync.keyrings.of_system"),
}
ROOMS = ("formats", "resolvers", "sync")
# The flat modules that the rooms build on, from the innermost outward: each may import only those before it.
CORE = (
    "model",
    "making",
    "recurring",
    "documents",
    "dates",
    "names",
    "titles",
    "identifiers",
    "references",
    "mapping",
    "venues",
    "keypattern",
    "keys",
    "matching",
    "merging",
    "candidates",
    "lock",
    "lint",
)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_door_for_each_outside_package(path: Path) -> None:
    for line, imported in imports(path):
        door = DOORS.get(imported.partition(".")[0])
        assert door is None or name_of(path).startswith(door[0]), f"{name_of(path)}:{line}: use {door[1]} instead"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_do_not_import_one_another(path: Path) -> None:
    room = name_of(path).partition("/")[0]
    for line, imported in imports(path):
        parts = imported.split(".")
        if parts[0] == "refsync" and len(parts) > 1:
            assert parts[1] != "cli" or room in {"__main__.py", "cli"}, f"{name_of(path)}:{line}: nothing imports cli"
            if room in ROOMS and parts[1] in ROOMS and (room, parts[1]) != ("resolvers", "formats"):
                assert parts[1] == room, f"{name_of(path)}:{line}: {room} may not import {parts[1]}"


@pytest.mark.parametrize("name", CORE)
def test_the_core_is_layered(name: str) -> None:
    allowed = set(CORE[: CORE.index(name)])
    for line, imported in imports(PACKAGE / f"{name}.py"):
        parts = imported.split(".")
        if parts[0] == "refsync" and len(parts) > 1:
            assert parts[1] in allowed, f"{name}.py:{line}: {name} stands before {parts[1]}"


def test_start_up_imports_nothing_heavy() -> None:
    """`refsync --help` loads click and the standard library; the rest is imported when its command runs."""
    import subprocess
    import sys

    code = "import sys, refsync.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {
        "yaml",
        "msgspec",
        "pyromark",
        "bibtexparser",
        "pyzotero",
        "requests",
        "rapidfuzz",
        "werkzeug",
        "jinja2",
    } & set(loaded)
