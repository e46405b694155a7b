"""Bad input, as a person meets it: one line that says where, what and what to do; an exit code; nothing changed.

refsync runs as a whole process. A case lays files over a folder that was built before, so that "nothing changed" is
put to the test with real outputs, byte for byte.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from refsync import documents, files
from refsync.build import build
from refsync.cli import cli
from refsync.formats import survey
from refsync.model import Failure
from tests.conftest import ROOT

OUTPUTS = ("catalog.yaml", "references.bib", "references.json", "references.ris")
LIST = """\
# A small list

## Models

- Jane Smith, John Doe. Graph Engines for Very Large Models. CVPR 2021
- Ann Bee and Carl Dee. [Sparse Attention in Long Documents](https://arxiv.org/abs/2101.00001). ICML 2020

## Data

- Carol Xu. Curated Corpora of Speech and Sound. ACL 2019
"""


@dataclass(frozen=True)
class Ran:
    """What came of one run of refsync."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Ran:
    """refsync as a whole process; no input of these tests may make it hang."""
    command = [sys.executable, "-m", "refsync", *map(str, arguments)]
    # Bytes, not text: what a terminal of another encoding is sent is not UTF-8.
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, env={**os.environ, **(env or {})}, timeout=60, check=False
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def inside(*arguments: str | Path) -> Ran:
    """The same command line within this process, faults and all."""
    result = CliRunner(catch_exceptions=False).invoke(cli, [*map(str, arguments)], prog_name="refsync")
    return Ran(result.exit_code, result.stdout, result.stderr)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden and temporary ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def check_failure(ran: Ran, code: int, *words: str) -> None:
    """One line on stderr with the words of the case, nothing on stdout, the exit code of the contract."""
    assert "Traceback" not in ran.err, ran.err
    assert ran.code == code, ran.err
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("refsync: "), ran.err
    assert ran.out == ""
    for word in words:
        assert word in ran.err


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once")
    put(folder, {"README.md": LIST})
    assert run("build", folder).code == 0
    return folder


@pytest.fixture
def built(once: Path, tmp_path: Path) -> Path:
    """A folder of its own that was built: the small list, its catalog and its exports."""
    return Path(shutil.copytree(once, tmp_path / "survey"))


@dataclass(frozen=True)
class Bad:
    """Files laid over a folder that was built, and what refsync has to say of them."""

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    code: int = 1
    command: tuple[str, ...] = ("build", "{folder}")


HEAD = "# Written by refsync build: edit the list or corrections.yaml, not this file.\nrefsync: 1\nid: a\n"
FOREIGN_BIB = """\
% My own references, by hand.
@article{mine, title = {A Work That No List Knows}, year = {1999}}
@inproceedings{other, title = {Graph Engines for Very Large Models}, year = {2021}}
"""
FOREIGN_JSON = json.dumps(
    [
        {"id": "mine", "type": "book", "title": "A Work That No List Knows"},
        {"id": "other", "type": "book", "title": "Graph Engines for Very Large Models"},
    ],
    indent=2,
)
FOREIGN_RIS = """\
TY  - BOOK
TI  - A Work That No List Knows
ER  -

TY  - CONF
TI  - Graph Engines for Very Large Models
ER  -
"""

BAD = {
    # What is asked for is not there, or is something else.
    "no such list": Bad(command=("build", "{folder}/nope.md"), says=("nope.md: no such file", "Check the path")),
    "no such folder": Bad(command=("check", "{folder}/nope"), says=("nope: no such file", "Check the path")),
    "read of nothing": Bad(command=("read", "{folder}/nope.md"), says=("nope.md: no such file", "Check the path")),
    "read of a folder": Bad(command=("read", "{folder}"), says=("is a folder", "Name a file")),
    "export is a folder": Bad(
        {"refsync.yaml": "exports: [x.bib]\n", "x.bib/inside": "a file"},
        ("x.bib: cannot be written", "Nothing changed"),
    ),
    # Lists that are no text.
    "binary list": Bad({"README.md": b"\x89PNG\r\n\0\0\0\rIHDR"}, ("README.md: is a binary file", "text file")),
    "latin-1 list": Bad(
        {"README.md": LIST.encode() + "- Über alles. ACL 2020\n".encode("latin-1")},
        ("README.md:11: is not valid UTF-8", "0xdc", "Save the file as UTF-8"),
    ),
    "surrogates in UTF-8": Bad({"README.md": b"# T\n- Half \xed\xa0\x80 of a pair\n"}, ("README.md:2:", "UTF-8")),
    # refsync.yaml.
    "settings: syntax": Bad(
        {"refsync.yaml": "title: A\nexports: [a.bib\n"}, ("refsync.yaml:3: not valid YAML", "Mend")
    ),
    "settings: tab": Bad({"refsync.yaml": "exports:\n\t- a.bib\n"}, ("refsync.yaml:2: not valid YAML", "Mend")),
    "settings: misspelt": Bad({"refsync.yaml": "sorces: [README.md]\n"}, ("refsync.yaml", "sorces", "`sources`?")),
    "settings: misspelt inside": Bad({"refsync.yaml": "zotero: {colection: X}\n"}, ("colection", "`collection`?")),
    "settings: type": Bad({"refsync.yaml": "exports: references.bib\n"}, ("`exports`", "array", "'references.bib'")),
    "settings: type inside": Bad({"refsync.yaml": "sources: [README.md, 3]\n"}, ("`sources[1]`", "'3'", "Mend")),
    "settings: a list": Bad({"refsync.yaml": "- title\n"}, ("refsync.yaml: expected", "array")),
    "settings: same key twice": Bad(
        {"refsync.yaml": "title: A\nmailto: a@b.c\ntitle: B\n"}, ("refsync.yaml:3:", "'title'", "line 1", "Keep one")
    ),
    "settings: wrong tag": Bad({"refsync.yaml": "freeze: !!bool perhaps\n"}, ("refsync.yaml:1:", "not valid YAML")),
    "settings: wrong number": Bad({"refsync.yaml": "title: !!int twelve\n"}, ("refsync.yaml:1:", "not valid YAML")),
    "settings: bottomless": Bad({"refsync.yaml": f"title: {'[' * 5000}{']' * 5000}\n"}, ("refsync.yaml", "too deeply")),
    "settings: code": Bad({"refsync.yaml": "title: !!python/object/apply:os.getcwd []\n"}, ("refsync.yaml:1:", "YAML")),
    "source: missing": Bad({"refsync.yaml": "sources: [other.md]\n"}, ("other.md: no such file", "Check")),
    "source: no match": Bad({"refsync.yaml": "sources: ['lists/*.md']\n"}, ("refsync.yaml", "'lists/*.md'", "Mend")),
    "source: a folder": Bad(
        {"refsync.yaml": "sources: [sub]\n", "sub/a.md": LIST}, ("sub: is a folder", "Name a file")
    ),
    "source: on the web": Bad(
        {"refsync.yaml": "sources: ['https://a.b/c.md']\n"}, ("https://a.b/c.md", "Run `refsync update`")
    ),
    "source: no name": Bad({"refsync.yaml": 'sources: ["a\\0.md"]\n'}, ("refsync.yaml",)),
    "export: unknown ending": Bad({"refsync.yaml": "exports: [a.docx]\n"}, ("refsync.yaml", "'a.docx'", ".bib, .json")),
    "export: elsewhere": Bad({"refsync.yaml": "exports: [../a.bib]\n"}, ("refsync.yaml", "'../a.bib'")),
    "export: a source": Bad(
        {"refsync.yaml": "sources: [README.md, mine.bib]\nexports: [mine.bib]\n", "mine.bib": FOREIGN_BIB},
        ("refsync.yaml", "'mine.bib'", "is a source"),
    ),
    "export: no name": Bad({"refsync.yaml": 'exports: ["a\\0.bib"]\n'}, ("refsync.yaml",)),
    "keys: unknown field": Bad(
        {"refsync.yaml": "key_pattern: '{auther}{year}'\n"}, ("refsync.yaml", "auther", "{author}")
    ),
    "keys: no field": Bad({"refsync.yaml": "key_pattern: paper\n"}, ("refsync.yaml", "names no field", "{author}")),
    "keys: open brace": Bad({"refsync.yaml": "key_pattern: '{author'\n"}, ("refsync.yaml", "key_pattern", "{author}")),
    "keys: from no bibliography": Bad({"refsync.yaml": "keys: {from: [a.md]}\n"}, ("'a.md'", "Name a .bib")),
    "keys: from nowhere": Bad({"refsync.yaml": "keys: {from: [old.bib]}\n"}, ("old.bib: no such file", "Check")),
    "cited: from nowhere": Bad({"refsync.yaml": "cited: [paper.tex]\n"}, ("paper.tex: no such file", "Check")),
    "cited: whole disk": Bad({"refsync.yaml": "cited: ['/nowhere/*.tex']\n"}, ("refsync.yaml", "/nowhere/*.tex")),
    # corrections.yaml.
    "corrections: syntax": Bad(
        {"corrections.yaml": "a: {date: 2021\n"}, ("corrections.yaml:2: not valid YAML", "Mend")
    ),
    "corrections: a list": Bad({"corrections.yaml": "- a\n"}, ("corrections.yaml: holds no mapping", "Write lines")),
    "corrections: misspelt": Bad({"corrections.yaml": "bee2020sparse: {titel: X}\n"}, ("bee2020sparse", "`title`?")),
    "corrections: type": Bad(
        {"corrections.yaml": "bee2020sparse: {tags: robots}\n"}, ("bee2020sparse", "`tags`", "'robots'", "Mend")
    ),
    "corrections: pair type": Bad({"corrections.yaml": "same: [a, b]\n"}, ("corrections.yaml", "`same[0]`", "'a'")),
    "corrections: twice": Bad(
        {"corrections.yaml": "bee2020sparse: {date: 2021}\nbee2020sparse: {date: 2022}\n"},
        ("corrections.yaml:2:", "'bee2020sparse'", "line 1", "Keep one"),
    ),
    "corrections: no key": Bad(
        {"corrections.yaml": "bee2020sparse: {key: 'a b'}\n"},
        ("bee2020sparse", "'a b' cannot be a citation key", "a-z"),
    ),
    # catalog.yaml.
    "catalog: syntax": Bad({"catalog.yaml": HEAD + "entries: [\n"}, ("catalog.yaml:5: not valid YAML", "Mend")),
    "catalog: misspelt": Bad(
        {"catalog.yaml": HEAD + "entries:\n- {key: a, titel: X}\n"}, ("catalog.yaml", "`entries[0]`", "`title`?")
    ),
    "catalog: type": Bad(
        {"catalog.yaml": HEAD + "entries:\n- {key: a, title: 3}\n"}, ("catalog.yaml", "`entries[0].title`", "'3'")
    ),
    "catalog: twice": Bad({"catalog.yaml": HEAD + "title: A\ntitle: B\n"}, ("catalog.yaml:5:", "'title'", "line 4")),
    "catalog: key twice": Bad(
        {"catalog.yaml": HEAD + "entries:\n- {key: a, title: X}\n- {key: A, title: Y}\n"},
        ("catalog.yaml", "'A'", "Rename"),
    ),
    "catalog: key of the dead": Bad(
        {"catalog.yaml": HEAD + "entries:\n- {key: a, title: X}\nretired:\n  A: {title: Y}\n"}, ("catalog.yaml", "'A'")
    ),
    "catalog: of tomorrow": Bad({"catalog.yaml": "# refsync\nrefsync: 2\nid: a\n"}, ("version 2", "Install")),
    "catalog: no end of a conflict": Bad(
        {"catalog.yaml": HEAD + "<<<<<<< ours\n"}, ("catalog.yaml", "no end", "merge")
    ),
    "catalog: binary": Bad({"catalog.yaml": b"\0\1\2"}, ("catalog.yaml: is a binary file",)),
    # Files that are not ours.
    "not ours: .bib": Bad(
        {"references.bib": FOREIGN_BIB},
        ("references.bib: was not written by refsync (2 entries, 1 not in this list). Nothing changed.", "--force"),
        code=4,
    ),
    "not ours: .json": Bad(
        {"references.json": FOREIGN_JSON},
        ("references.json: was not written by refsync (2 entries, 1 not in this list). Nothing changed.", "--force"),
        code=4,
    ),
    "not ours: .ris": Bad(
        {"references.ris": FOREIGN_RIS},
        ("references.ris: was not written by refsync (2 entries, 1 not in this list). Nothing changed.", "--force"),
        code=4,
    ),
    "not ours: unreadable .bib": Bad(
        {"references.bib": b"\xff\xfe\0\0 no text"}, ("references.bib: was not written by refsync", "--force"), code=4
    ),
    "not ours: catalog": Bad(
        {"catalog.yaml": "products:\n- chairs\n"},
        ("catalog.yaml: was not written by refsync", "Nothing changed"),
        code=4,
    ),
}


# A process takes half a second and the cases are many: one of each sort runs as a process, all of them inside this one.
WHOLE = ("read of a folder", "binary list", "settings: syntax", "export: a source", "catalog: type", "not ours: .bib")


@pytest.mark.parametrize(("bad", "runner"), [*((one, inside) for one in BAD), *((one, run) for one in WHOLE)])
def test_one_line_says_what_is_wrong_and_nothing_changes(bad: str, runner: Callable[..., Ran], built: Path) -> None:
    case = BAD[bad]
    # The list is edited too, so that a build that went on would have something to write.
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n", **case.files})
    before = bytes_of(built)
    check_failure(runner(*(one.format(folder=built) for one in case.command)), case.code, *case.says)
    assert bytes_of(built) == before


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("{author!z}{year}", "conversion"), ("{author:d}", "format code"), ("{author:{x}}", "a field in a field")],
)
def test_a_key_pattern_that_cannot_be_filled_in(pattern: str, why: str, tmp_path: Path) -> None:
    """Such a pattern fails only when a key is made with an author, so the folder is a new one."""
    put(tmp_path, {"README.md": LIST, "refsync.yaml": f"key_pattern: '{pattern}'\n"})
    check_failure(run("build", tmp_path), 1, "refsync.yaml", "key_pattern", "{author}")
    assert set(bytes_of(tmp_path)) == {"README.md", "refsync.yaml"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ("README.md: is empty", "Name a list")),
        ("\ufeff \n\n", ("README.md: is empty", "Name a list")),
        ("# A title\n\n## A heading\n", ("README.md: no entries found", "refsync read --skipped")),
    ],
    ids=["empty", "white space", "headings"],
)
def test_a_list_without_entries(text: str, says: tuple[str, ...], tmp_path: Path) -> None:
    put(tmp_path, {"README.md": text})
    check_failure(run("build", tmp_path), 1, *says)
    assert set(bytes_of(tmp_path)) == {"README.md"}


@pytest.mark.parametrize("as_json", [False, True], ids=["lines", "json"])
def test_read_of_a_list_without_entries(as_json: bool, tmp_path: Path) -> None:
    put(tmp_path, {"LIST.md": "# A title\n"})
    check_failure(run("read", tmp_path / "LIST.md", *(["--json"] if as_json else [])), 1, "LIST.md", "--skipped")


def test_a_small_list_that_was_emptied_by_accident_takes_nothing_with_it(built: Path) -> None:
    """Fewer than ten entries have no guard against loss, but an empty file is no list of works."""
    put(built, {"README.md": ""})
    before = bytes_of(built)
    check_failure(run("build", built), 1, "README.md: is empty")
    assert bytes_of(built) == before


def test_a_folder_with_no_list_or_with_several(tmp_path: Path) -> None:
    check_failure(run("build", tmp_path), 1, str(tmp_path), "holds no list", "refsync build LIST.md")
    put(tmp_path, {"a.md": LIST, "b.md": LIST})
    check_failure(run("build", tmp_path), 1, str(tmp_path), "2 lists (a.md, b.md)", "`sources`")
    assert set(bytes_of(tmp_path)) == {"a.md", "b.md"}


def test_force_overwrites_what_is_not_ours(built: Path, once: Path) -> None:
    put(built, {"references.bib": FOREIGN_BIB, "references.json": FOREIGN_JSON, "references.ris": FOREIGN_RIS})
    ran = run("build", built, "--force")
    assert ran.code == 0, ran.err
    assert bytes_of(built) == bytes_of(once)


def test_a_large_loss_is_refused_unless_forced(example: Path) -> None:
    assert run("build", example).code == 0
    text = (example / "README.md").read_text(encoding="utf-8")
    half = text[: text.index("\n\n", len(text) // 2)]
    put(example, {"README.md": half})
    before = bytes_of(example)
    check_failure(run("build", example), 4, "catalog.yaml", "of 145 entries", "Nothing changed", "--force")
    assert bytes_of(example) == before
    put(example, {"README.md": ""})
    empty = run("build", example)
    assert (empty.code in {1, 4}, "Traceback" in empty.err) == (True, False), empty.err
    assert bytes_of(example) == {**before, "README.md": b""}
    put(example, {"README.md": half})
    forced = run("build", example, "--force")
    assert (forced.code, "retired" in forced.err) == (0, True), forced.err
    put(example, {"README.md": text})
    assert run("build", example).code == 0
    assert keys_of(bytes_of(example)["catalog.yaml"]) == keys_of(before["catalog.yaml"]), "a key did not come back"


def keys_of(catalog: bytes) -> list[bytes]:
    return [line for line in catalog.split(b"\n") if line.startswith(b"- key: ")]


# ---------------------------------------------------------------------------------------------------------------
# Folders and disks that cannot be written


# Everything is imported as root first: the interpreter may lie where nobody else may read.
_AS_NOBODY = """
import contextlib, os, sys
from refsync.cli import cli
with contextlib.suppress(SystemExit):
    cli(["build", "--dry-run", sys.argv[1]])
sys.stderr.write("\\0")
sys.stderr.flush()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
cli(["build", sys.argv[1]])
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into: pytest's own are closed to all but their owner."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


def test_a_folder_that_may_not_be_written(open_folder: Path, once: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("folders have no write permission on Windows")
    for name, data in bytes_of(once).items():
        put(open_folder, {name: data})
    put(open_folder, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    before = bytes_of(open_folder)
    if os.getuid() == 0:
        command = [sys.executable, "-c", _AS_NOBODY, str(open_folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        ran = Ran(done.returncode, done.stdout, done.stderr.partition("\0")[2])
    else:
        open_folder.chmod(0o555)
        ran = run("build", open_folder)
    check_failure(ran, 1, "catalog.yaml: cannot be written: Permission denied", "Nothing changed", "permissions")
    assert bytes_of(open_folder) == before


_FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
from refsync.cli import cli
cli(["build", sys.argv[1]])
"""


def test_a_disk_that_is_full_halfway(built: Path) -> None:
    """The system itself refuses the bytes past a limit: small files still fit, the longest no longer does."""
    pytest.importorskip("resource", reason="only Unix limits the size of a file")
    entries = "".join(f"- Dan Moe{one}. Another Work {one} of a Long Row. ACL 2020\n" for one in "ABCDEFGH")
    put(built, {"README.md": LIST + entries})
    before = bytes_of(built)
    trial = Path(shutil.copytree(built, built.parent / "trial"))
    assert run("build", trial).code == 0
    sizes = sorted((trial / name).stat().st_size for name in OUTPUTS)
    command = [sys.executable, "-B", "-c", _FULL_DISK, str(built), str(sizes[-1] - 1)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    check_failure(
        Ran(done.returncode, done.stdout, done.stderr), 1, "cannot be written: File too large", "Nothing changed"
    )
    assert bytes_of(built) == before


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_write_that_fails_midway_is_taken_back(
    at: int, fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault at the border of the system, at each of three renames: the old files stay, and nothing besides them."""
    old = {"a": b"old a\n", "b": b"old b\r\n", "new": None}
    put(tmp_path, {name: data for name, data in old.items() if data is not None})
    before = bytes_of(tmp_path)
    replace, calls = Path.replace, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == at:
            raise fault
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(Failure if isinstance(fault, OSError) else KeyboardInterrupt) as caught:
        files.write({tmp_path / "a": "new a\n", tmp_path / "new": "new\n", tmp_path / "b": "new b\n"})
    assert len(calls) >= at, "the fault was never reached"
    assert bytes_of(tmp_path) == before
    if isinstance(caught.value, Failure):
        assert "Nothing changed" in str(caught.value.problem)
        assert "No space left" in str(caught.value.problem)


# ---------------------------------------------------------------------------------------------------------------
# Terminals and pipes


MANY_SCRIPTS = """\
# Über 论文 🚀

## 模型 Ω

- Zoë Łukasz. Große Modelle für “alle” — naïve Ansätze. ACL 2020
- [深度残差学习用于图像识别](https://arxiv.org/abs/2101.00003). CVPR 2021
"""
TERMINALS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("terminal", TERMINALS)
def test_a_terminal_that_cannot_show_every_letter(terminal: str, tmp_path: Path) -> None:
    env = TERMINALS[terminal]
    put(tmp_path, {"survey/README.md": MANY_SCRIPTS, "plain/README.md": MANY_SCRIPTS})
    path = tmp_path / "survey" / "README.md"
    for command, code in (("build", 0), ("check", 3), ("read", 0)):
        ran = run(command, path, env=env)
        assert (ran.code, "Traceback" in ran.err) == (code, False), ran.err
    ran = run("read", path, "--json", env=env)
    titles = [json.loads(line)["title"] for line in ran.out.splitlines()]
    assert titles == ["Große Modelle für “alle” — naïve Ansätze", "深度残差学习用于图像识别"], "JSON keeps every letter"
    check_failure(run("read", tmp_path / "论文🚀.md", env=env), 1, ".md: no such file")
    build(tmp_path / "plain")
    assert bytes_of(path.parent) == bytes_of(tmp_path / "plain"), "an output depends on the terminal"


def test_a_reader_that_leaves(example: Path) -> None:
    """`refsync read LIST --json | head -1`: more is written than a pipe holds, and nobody is there to read it."""
    entries = "".join(f"- Dan Moe. Another Work {number} of a Long Row. ACL 2020\n" for number in range(1000))
    put(example, {"README.md": f"# A list\n\n{entries}"})
    command = [sys.executable, "-m", "refsync", "read", str(example / "README.md"), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["title"] == "Another Work 0 of a Long Row"
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=60)
    assert said == b"", "a reader that has seen enough is no fault to speak of"
    assert process.returncode == 1


SHOWN = {
    "read": ("read", "--json", "README.md"), "check": ("check", "."), "convert": ("convert", "README.md", "-", "--to", "ris"),
    "sync": ("sync", "--dry-run", "--json"), "plan": ("sync", "--dry-run"), "status": ("status",), "help": ("--help",),
    "version": ("--version",),
}  # fmt: skip


def shown(name: str, folder: Path, redirection: str) -> subprocess.CompletedProcess[str]:
    """A command whose standard output goes where a shell sends it."""
    line = [sys.executable, "-m", "refsync", *SHOWN[name]]
    script = f'"$@" {redirection}; echo "exit $?" >&2'
    named = {"REFSYNC_STATE_DIR": str(folder.parent / "state"), "REFSYNC_CACHE_DIR": str(folder.parent / "cache")}
    return subprocess.run(
        ["sh", "-c", script, "sh", *line], cwd=folder, env={**os.environ, **named}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix shell closes the descriptor")
@pytest.mark.parametrize("name", SHOWN)
def test_no_stdout_at_all(name: str, built: Path) -> None:
    said = shown(name, built, ">&-").stderr.splitlines()
    assert said[-2:] == ["refsync: standard output: is closed.", "exit 1"], said
    assert not any("Traceback" in line or "Exception" in line for line in said)


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix shell closes the descriptor")
def test_what_shows_nothing_on_stdout_needs_none(built: Path) -> None:
    line = [sys.executable, "-m", "refsync", "build", str(built / "README.md")]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *line], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is the device that is always full")
@pytest.mark.parametrize("name", SHOWN)
def test_a_full_disk_behind_stdout(name: str, built: Path) -> None:
    said = shown(name, built, ">/dev/full").stderr.splitlines()
    assert said[-2:] == ["refsync: standard output: No space left on device.", "exit 1"], said
    assert not any("Traceback" in line or "Exception" in line for line in said)


# ---------------------------------------------------------------------------------------------------------------
# Odd lists: nothing is lost, nothing falls over, and the second build has nothing to do


def _nested(levels: int) -> str:
    return "# T\n\n" + "".join(f"{'  ' * at}- Work {at} about nests. CVPR 2021\n" for at in range(levels))


ODD = {
    # name: (list, number of entries that a person sees in it)
    "nested bullets": (_nested(60), 60),
    "bullets as deep as they are read": (_nested(90), 90),
    "control characters": ("# T\n\n- Bell \x07 and \x1b[31mred\x1b[0m \x85 in \u2028 a title. CVPR 2020\n", 1),
    "halves of a pair": ("# T\n\n- Half &#xD800; of &#0; a pair &#xFFFE; in a title. CVPR 2020\n", 1),
    "a NUL far down": (
        "# T\n\n" + "- A Work on Something. CVPR 2021\n" * 300 + "- Nul \0 in a Title. CVPR 2020\n",
        301,
    ),
    "right to left": ("# قائمة\n\n- دوגמה למאמר ארוך. CVPR 2020\n- شبكات عصبية عميقة جدا. ACL 2021\n", 2),
    "headings that differ in case": (
        "# T\n\n## A\n\n- First Work of Two. CVPR 2021\n\n## a\n\n- Second Item of Three. ACL 2021\n\n## A\n\n- Third Thing. ICML 2020\n",
        3,
    ),
    "line ends of a Mac": ("# T\r\r- A Work on Things of X. CVPR 2021\r", 1),
    "one among others with a link": (
        (
            "# T\n\n- [Deep Networks](https://arxiv.org/abs/2101.00001) 2021\n"
            "- A Paper on Things. CVPR 2021\n- Another Paper Here. CVPR 2020\n"
        ),
        3,
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_list_is_read_whole(name: str, tmp_path: Path) -> None:
    text, count = ODD[name]
    put(tmp_path, {"README.md": text})
    reading = survey.read(documents.text_of(tmp_path / "README.md"), "README.md")
    assert len(reading.accounts) + len(reading.skipped) == count, "an entry is neither read nor reported"
    build(tmp_path)
    before = bytes_of(tmp_path)
    assert build(tmp_path).written.changed == ()
    assert bytes_of(tmp_path) == before


def test_bullets_without_a_bottom_are_told_to_the_last_line(tmp_path: Path) -> None:
    """Deeper than a hundred levels nothing is told apart any more, but no line is lost in silence."""
    put(tmp_path, {"README.md": _nested(500)})
    reading = survey.read(documents.text_of(tmp_path / "README.md"), "README.md")
    told = {line for one in (*reading.accounts, *reading.skipped) for line in range(one.line, one.last_line + 1)}
    lines = (tmp_path / "README.md").read_text(encoding="utf-8").split("\n")
    bullets = {number for number, line in enumerate(lines, 1) if line.lstrip().startswith("- ")}
    assert len(bullets) == 500 and bullets <= told


def test_a_linked_title_outlives_plain_neighbours(tmp_path: Path) -> None:
    put(tmp_path, {"README.md": ODD["one among others with a link"][0]})
    ran = run("read", tmp_path / "README.md", "--json")
    assert json.loads(ran.out.splitlines()[0])["title"] == "Deep Networks"


def test_works_with_one_title_get_keys_of_their_own(tmp_path: Path) -> None:
    works = "".join(
        f"- [A Work on Things](https://arxiv.org/abs/2101.{number:05d}). CVPR 2021\n" for number in range(60)
    )
    put(tmp_path, {"README.md": f"# T\n\n{works}"})
    ran = run("build", tmp_path)
    assert ran.code == 0, ran.err
    keys = keys_of(bytes_of(tmp_path)["catalog.yaml"])
    assert len(set(keys)) == len(keys) == 60
    # What a person is told to paste must name two entries, not one twice.
    for line in ran.err.splitlines():
        _, asked, rest = line.partition("`same: [[")
        if asked:
            first, second = rest.partition("]]")[0].split(", ")
            assert first != second, line


def test_a_long_line_takes_no_minutes(tmp_path: Path) -> None:
    """20,000 letters in one bullet, such as a page whose line breaks were lost: an entry or not, it is not lost."""
    put(
        tmp_path,
        {"README.md": "# T\n\n- " + "A Paper about a thing. CVPR 2021. " * 600 + "\n- A Paper on X. ACL 2020\n"},
    )
    command = [sys.executable, "-m", "refsync", "read", "--json", str(tmp_path / "README.md")]
    found = []
    for more in ([], ["--skipped"]):
        done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, timeout=5, check=False)
        assert done.returncode == 0, done.stderr
        found += [json.loads(line)["line"] for line in done.stdout.splitlines()]
    assert sorted(found) == [3, 4]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_links_that_lead_in_circles(built: Path) -> None:
    (built / "references.bib").unlink()
    (built / "references.bib").symlink_to("loop")
    (built / "loop").symlink_to("references.bib")
    check_failure(run("build", built), 1, "references.bib")
    (built / "README.md").unlink()
    (built / "README.md").symlink_to("README.md")
    check_failure(run("build", built), 1, "README.md")


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_pipe_where_an_export_belongs(built: Path) -> None:
    (built / "references.bib").unlink()
    os.mkfifo(built / "references.bib")
    line = [sys.executable, "-m", "refsync", "build", str(built)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=5, check=False)
    assert done.returncode in {1, 4}, done.stderr


def test_builds_at_one_time_leave_whole_files(tmp_path: Path, once: Path) -> None:
    put(tmp_path, {"README.md": LIST})
    line = [sys.executable, "-m", "refsync", "build", str(tmp_path)]
    builds = [subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    for one in builds:
        _, said = one.communicate(timeout=60)
        assert (one.returncode, b"Traceback" in said) == (0, False), said
    assert bytes_of(tmp_path) == bytes_of(once)
