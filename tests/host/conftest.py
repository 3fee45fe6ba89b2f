"""A stage without a display."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pytest

from engine_plugin.errors import ModelMissingError
from engine_plugin.host import level_source
from engine_plugin.host.input import InputState
from engine_plugin.host.options import PlayOptions
from engine_plugin.host.stage import Picture, Stage
from engine_plugin.host.tileset import PixelFont, load_sheet


@pytest.fixture(autouse=True)
def no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in levels, so that these tests do not depend on what is shipped."""

    def missing(*_: object, **__: object) -> None:
        raise ModelMissingError("no generator in this test")

    monkeypatch.setattr(level_source, "load_generator", missing)


@pytest.fixture
def make_stage() -> Iterator[Callable[..., Stage]]:
    """Makes stages that are closed at the end."""
    stages: list[Stage] = []

    def make(**options: object) -> Stage:
        settings = {"opponent": "bot:hunter", "seed": 3, **options}
        stage = Stage(
            options=PlayOptions(**settings),  # type: ignore[arg-type]
            seed=3,
            realtime=False,
            state=InputState(),
            sprites=load_sheet("blast", "tiles"),
            font=PixelFont(load_sheet("blast", "font")),
            sounds=None,
            picture=Picture(wanted=False),
        )
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.close_sitting()
