"""A level: the starting tile grid of an episode, with its text form and its checks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastenv.errors import LevelError
from fastenv.spec import GameSpec


@dataclass(frozen=True, eq=False)
class Level:
    """Tiles uint8 [height, width] (read-only) and free metadata (name, seed, conditions, ...)."""

    tiles: np.ndarray
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_tiles(
        cls, tiles: np.ndarray, spec: GameSpec, metadata: dict[str, Any] | None = None
    ) -> Level:
        """Check integer tile ids [height, width] against the game and freeze a copy of them."""
        array = np.asarray(tiles)
        if array.shape != (spec.height, spec.width):
            raise LevelError(
                f"expected a {spec.name} level of {spec.height} lines of {spec.width} tiles, "
                f"got shape {array.shape}"
            )
        if array.dtype.kind not in "ui":
            raise LevelError(f"expected integer tile ids, got dtype {array.dtype}")
        if array.min() < 0 or array.max() >= len(spec.tiles):
            raise LevelError(
                f"expected tile ids 0 to {len(spec.tiles) - 1}, "
                f"got {int(array.min())} to {int(array.max())}"
            )
        frozen = array.astype(np.uint8, copy=True)
        frozen.setflags(write=False)
        _check_startable(frozen, spec)
        return cls(frozen, dict(metadata or {}))

    @classmethod
    def from_text(cls, text: str, spec: GameSpec, metadata: dict[str, Any] | None = None) -> Level:
        """Read the text form: one line a row, one character a tile, by the spec's legend."""
        ids = {tile.character: index for index, tile in enumerate(spec.tiles)}
        lines = text.splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        if len(lines) != spec.height:
            raise LevelError(f"expected {spec.height} lines, got {len(lines)}")
        rows = []
        for number, line in enumerate(lines, start=1):
            line = line.rstrip()
            if len(line) != spec.width:
                raise LevelError(f"line {number}: expected {spec.width} tiles, got {len(line)}")
            for column, character in enumerate(line, start=1):
                if character not in ids:
                    raise LevelError(
                        f"line {number}, column {column}: unknown tile {character!r}; "
                        f"{spec.name} knows {' '.join(ids)}"
                    )
            rows.append([ids[character] for character in line])
        return cls.from_tiles(np.array(rows, np.uint8), spec, metadata)

    def to_text(self, spec: GameSpec) -> str:
        """The text form; `from_text` reads it back to the same tiles."""
        characters = [tile.character for tile in spec.tiles]
        return "\n".join("".join(characters[tile] for tile in row) for row in self.tiles) + "\n"

    @classmethod
    def load(cls, path: str | Path, spec: GameSpec) -> Level:
        """Read NAME.txt and, where it exists, its sidecar NAME.json."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            sidecar = path.with_suffix(".json")
            metadata = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}
        except OSError as error:
            raise LevelError(f"cannot read level {path}: {error.strerror}") from error
        except ValueError as error:
            raise LevelError(f"{path}: not a text level with a JSON sidecar: {error}") from error
        if not isinstance(metadata, dict):
            raise LevelError(f"{path.with_suffix('.json')}: expected a JSON object")
        legend = metadata.get("legend", spec.legend)
        if legend != spec.legend:
            raise LevelError(f"{path}: its legend is not that of {spec.name}: {spec.legend}")
        try:
            return cls.from_text(text, spec, {"name": path.stem, **metadata})
        except LevelError as error:
            raise LevelError(f"{path}: {error}") from error

    def save(self, path: str | Path, spec: GameSpec) -> None:
        """Write NAME.txt and its sidecar NAME.json (legend and metadata)."""
        path = Path(path)
        path.write_text(self.to_text(spec), encoding="utf-8")
        sidecar = {"game": spec.name, "legend": spec.legend, **self.metadata}
        path.with_suffix(".json").write_text(
            json.dumps(sidecar, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )


def _check_startable(tiles: np.ndarray, spec: GameSpec) -> None:
    """What the rules need to run at all; whether a level is worth playing is judged elsewhere."""
    constraints = spec.level_constraints
    if constraints.border is not None:
        ring = np.ones(tiles.shape, bool)
        ring[1:-1, 1:-1] = False
        wrong = np.argwhere(ring & (tiles != spec.tile_id(constraints.border)))
        if len(wrong):
            row, column = wrong[0] + 1
            raise LevelError(
                f"line {row}, column {column}: the border must be {constraints.border}, "
                f"got {spec.tiles[tiles[row - 1, column - 1]].name}"
            )
    for name, count in constraints.exactly:
        found = int((tiles == spec.tile_id(name)).sum())
        if found != count:
            raise LevelError(f"expected {count} × {name}, got {found}")
