"""What a person changed in the library comes into corrections.yaml, and then the library and the list agree."""

from __future__ import annotations

from pathlib import Path

from refsync.sync import sandbox
from refsync.sync.seen import plain
from tests.library import World
from tests.test_sync_commands import folder, run, server, value

__all__ = ["folder", "server"]


def test_pull_then_build_then_sync_is_quiet(folder: Path, server: sandbox.Server, tmp_path: Path) -> None:
    run("sync", folder, "--library", "user", "--yes")
    there = World(server=server, folder=tmp_path)
    key = next(key for key, one in there.all("items").items() if plain(one.get("citationKey")) == "tang2022patch")
    there.edit("items", key, title="Patches, Slimmed", date="12 June 2021", abstractNote="So.", tags=[{"tag": "mine"}])
    before = (folder / "corrections.yaml").read_text()
    found = value("pull", folder, "--library", "user", "--dry-run")
    assert set(found["edits"][0]["fields"]) == {"title", "date", "abstract", "tags"}
    assert (folder / "corrections.yaml").read_text() == before
    run("pull", folder, "--library", "user", "--yes")
    assert (folder / "corrections.yaml").read_text().startswith(before)
    run("build", folder)
    assert "Patches, Slimmed" in (folder / "references.bib").read_text().replace("{", "").replace("}", "")
    again = value("sync", folder, "--library", "user")
    assert (again["changes"], again["counts"]["conflict"]) == ([], 0)
    assert "nothing to take over" in run("pull", folder, "--library", "user", "--yes").output
