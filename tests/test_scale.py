"""Past one machine: a line is an entry and an entry a line, in any worker."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from benchmarks import works
from refsync import formats
from refsync.mapping import Tables
from refsync.model import Catalog
from tests.conftest import ROOT


def test_a_line_is_an_entry_and_an_entry_a_line() -> None:
    for one in works.entries(50):
        assert formats.entry(formats.line(one)) == one


def test_what_is_no_entry_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown field"):
        formats.entry('{"key": "a", "titel": "b"}')


def test_two_workers_write_what_one_process_writes(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install 'refsync[scale]'")
    entries = list(works.entries(200))
    for part in range(4):
        lines = map(formats.line, entries[part * 50 : part * 50 + 50])
        (tmp_path / f"{part}.jsonl").write_text('{"refsync": 1, "id": "x"}\n' + "".join(lines), encoding="utf-8")
    script = runpy.run_path(str(ROOT / "examples" / "scale" / "convert.py"))
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster):
        written = script["converted"](str(tmp_path / "*.jsonl"), tmp_path, "bibtex")
    assert len(written) == 4
    bibtex = formats.named("bibtex")
    assert bibtex is not None
    for part, path in enumerate(sorted(written)):
        catalog = Catalog(id="part", title="", entries=tuple(entries[part * 50 : part * 50 + 50]))
        assert Path(path).read_text(encoding="utf-8").strip() == bibtex.write(catalog, Tables()).text.strip()
