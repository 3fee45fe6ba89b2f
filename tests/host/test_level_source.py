"""Levels come from the generator, a file, or are built in: never silently the wrong one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import fastenv
from engine_plugin.host import level_source
from engine_plugin.host.level_source import LevelSource

SPEC = fastenv.game_spec("blast")


class Generator:
    """Stands for a generator: its level is a built-in one drawn by the seed."""

    def generate(self, count: int, *, seed: int, conditions: dict[str, Any]) -> list[Any]:
        tiles = fastenv.builtin_levels(SPEC, seed)[0].tiles
        return [SimpleNamespace(tiles=tiles, seed=seed, condition=conditions)] * count


def test_each_round_has_its_own_seeded_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_source, "load_generator", lambda *_, **__: Generator())
    source = LevelSource(SPEC, 7)
    first, second = source.take(0, wait=True), source.take(1, wait=True)
    again = LevelSource(SPEC, 7)
    assert first is not None and second is not None
    assert (first.seed, second.seed, first.origin) == (7, 8, "generated")
    repeated = again.take(0, wait=True)
    assert repeated is not None and repeated.conditions == first.conditions
    assert source.notice is None
    source.close()
    again.close()


def test_without_a_generator_it_says_so_and_plays_built_in_levels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = LevelSource(SPEC, 7)
    level = source.take(0, wait=True)
    assert level is not None and level.level is None and level.origin == "built-in"
    assert source.notice is not None and "built-in" in source.notice
    assert "no generator in this test" in caplog.text
    source.close()


def test_a_level_file_is_played_every_round(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text(fastenv.builtin_levels(SPEC, 0)[0].to_text(SPEC), encoding="utf-8")
    source = LevelSource(SPEC, 7, path)
    first, second = source.take(0, wait=True), source.take(1, wait=True)
    assert first is not None and second is not None
    assert first.level is second.level and first.origin == "file"
    source.close()
