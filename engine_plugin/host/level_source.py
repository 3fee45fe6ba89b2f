"""Where the levels of a sitting come from, made ahead of time in one worker thread."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import EnginePluginError
from engine_plugin.runtime.generator import LevelGenerator, load_generator

LOGGER = logging.getLogger("engine_plugin.host")
CRATE_SHARES = (0.25, 0.55)
FAIR_SYMMETRIES = ("rotate", "mirror")


@dataclass(frozen=True)
class RoundLevel:
    """A level ready to play. level None: one of the game's built-in levels, drawn by the seed."""

    level: fastenv.Level | None
    seed: int
    origin: str
    conditions: dict[str, Any] = field(default_factory=dict)


class LevelSource:
    """A level for each round: from a file, or generated, or built in when nothing can generate.

    notice: why levels are not generated, for the screen; None as long as they are.
    """

    def __init__(self, spec: fastenv.GameSpec, seed: int, path: Path | None = None) -> None:
        self._spec = spec
        self._seed = seed
        self._fixed = None if path is None else fastenv.Level.load(path, spec)
        self._generator: LevelGenerator | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="levels")
        self._next: tuple[int, Future[RoundLevel]] | None = None
        self.notice: str | None = None

    def prepare(self, round_index: int) -> None:
        """Start making the level of this round, unless it is under way."""
        if self._next is None or self._next[0] != round_index:
            self._next = (round_index, self._worker.submit(self._make, round_index))

    def take(self, round_index: int, wait: bool) -> RoundLevel | None:
        """The level of this round; None while it is being made and `wait` is false."""
        self.prepare(round_index)
        assert self._next is not None
        future = self._next[1]
        return future.result() if wait or future.done() else None

    def close(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _make(self, round_index: int) -> RoundLevel:
        seed = self._seed + round_index
        if self._fixed is not None:
            return RoundLevel(self._fixed, seed, "file")
        if self.notice is None:
            try:
                return self._generate(seed)
            except EnginePluginError as error:
                self.notice = "No level generator: built-in levels. The log says why"
                LOGGER.warning("no level generator, playing built-in levels: %s", error)
        return RoundLevel(None, seed, "built-in")

    def _generate(self, seed: int) -> RoundLevel:
        if self._generator is None:
            name = self._spec.name
            self._generator = load_generator(f"{name}/generator", game=name)
        random = np.random.default_rng(seed)
        wanted: dict[str, float | str] = {
            "crates": round(float(random.uniform(*CRATE_SHARES)), 2),
            "symmetry": str(random.choice(FAIR_SYMMETRIES)),
        }
        made = self._generator.generate(1, seed=seed, conditions=wanted)[0]
        metadata = {"seed": seed, "conditions": wanted}
        level = fastenv.Level.from_tiles(made.tiles, self._spec, metadata)
        return RoundLevel(level, seed, "generated", wanted)
