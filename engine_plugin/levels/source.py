"""Where the levels of training, recording and evaluation come from, by the name a user gives."""

from __future__ import annotations

from pathlib import Path

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.runtime.generator import load_generator
from engine_plugin.runtime.loading import shipped_models
from fastenv import GameSpec, Level

COUNT = 256


def levels_from(choice: str, spec: GameSpec, seed: int, count: int = COUNT) -> list[Level]:
    """Levels by `generator` (the shipped one), `builtin`, a generator's file, a folder of levels,
    or one level's file (.txt).

    The same choice, seed and count give the same levels. Raises ConfigError, LevelError or a
    ModelError.
    """
    if seed < 0:
        raise ConfigError(f"expected a seed of 0 or more, got {seed}")
    if choice == "builtin":
        return fastenv.builtin_levels(spec, seed, count)
    path = Path(choice)
    if path.is_dir():
        files = sorted(path.glob("*.txt"))
        if not files:
            raise ConfigError(f"expected levels (NAME.txt) in {path}, found none")
        return [Level.load(file, spec) for file in files]
    if path.suffix == ".txt":
        return [Level.load(path, spec)]
    shipped = f"{spec.name}/generator"
    if choice == "generator" and shipped not in shipped_models():
        raise ConfigError(
            f"{spec.name} ships no level generator: use --levels builtin, or a folder of levels"
        )
    generator = load_generator(shipped if choice == "generator" else choice, game=spec.name)
    return [
        Level.from_tiles(level.tiles, spec, {"seed": level.seed})
        for level in generator.generate(count, seed=seed)
    ]
