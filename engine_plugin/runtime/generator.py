"""Levels made to order by a generator model; numpy and onnxruntime only.

    generator = load_generator("blast/generator")
    level, *_ = generator.generate(5, seed=3, conditions={"crates": 0.4, "symmetry": "rotate"})
    print(level.to_text())

The network gives scores for every tile of every cell; noise turns them into a sample, repair into
a level that satisfies the constraints in the card. All chance comes from the seed: level i of a
call depends on the seed, the conditions and the levels before it, not on how many follow.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine_plugin.card import Card
from engine_plugin.errors import ConfigError, GenerationError, ModelMismatchError
from engine_plugin.runtime.constraints import SYMMETRIES, repair, symmetrize, violations
from engine_plugin.runtime.loading import ModelSource, check_purpose, read_model

MAX_LEVELS = 1_000_000
_ATTEMPTS = 50
_SYMMETRY_PREFIX = "symmetry_"

# (latent float32 [batch, z], condition float32 [batch, c]) -> tile logits float32 [batch, h, w, t]
LogitsFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class GeneratedLevel:
    """A valid level and how it came about.

    tiles: uint8 [height, width] tile ids, read-only
    legend: {character: tile name}, in tile id order
    seed: of the call that made it
    condition: what it was asked for, such as {"crates": 0.4, "symmetry": "rotate"}
    edits: cells that repair changed
    raw_valid: whether the sample was valid without repair
    """

    tiles: np.ndarray
    legend: dict[str, str]
    seed: int
    condition: dict[str, float | str]
    edits: int
    raw_valid: bool

    def to_text(self) -> str:
        """One line a row, one character a tile."""
        characters = list(self.legend)
        return "".join("".join(characters[tile] for tile in row) + "\n" for row in self.tiles)


@dataclass(frozen=True)
class GenerationReport:
    """What became of the samples of one `generate` call.

    samples: drawn in all
    raw_valid: samples that were valid as drawn
    repaired: samples that repair made valid
    rejected: samples that could not be repaired
    duplicates: samples that equalled an earlier level of the call and were drawn again
    mean_edits: cells changed per level that was repaired
    """

    samples: int = 0
    raw_valid: int = 0
    repaired: int = 0
    rejected: int = 0
    duplicates: int = 0
    mean_edits: float = 0.0


@dataclass
class _Tally:
    samples: int = 0
    raw_valid: int = 0
    rejected: int = 0
    duplicates: int = 0
    edits: list[int] = field(default_factory=list)

    def report(self) -> GenerationReport:
        return GenerationReport(
            samples=self.samples,
            raw_valid=self.raw_valid,
            repaired=len(self.edits),
            rejected=self.rejected,
            duplicates=self.duplicates,
            mean_edits=float(np.mean(self.edits)) if self.edits else 0.0,
        )


class LevelGenerator:
    """A loaded generator. `card`, `model_hash` and, after a call, `last_report` can be read."""

    def __init__(self, logits: LogitsFunction, card: Card, model_hash: str = "") -> None:
        self.card = card
        self.model_hash = model_hash
        self.last_report = GenerationReport()
        self._logits = logits
        self._tile_names = [name for name, _ in card.tiles]
        self._legend = {character: name for name, character in card.tiles}
        self._symmetries = tuple(
            name.removeprefix(_SYMMETRY_PREFIX)
            for name, _, _ in card.conditions
            if _is_symmetry(name)
        )
        self._scalars = {
            name: (low, high) for name, low, high in card.conditions if not _is_symmetry(name)
        }

    @property
    def symmetries(self) -> tuple[str, ...]:
        """Symmetries that `conditions={"symmetry": ...}` can ask for."""
        return self._symmetries

    def generate(
        self,
        count: int = 1,
        *,
        seed: int = 0,
        conditions: Mapping[str, float | str] | None = None,
    ) -> list[GeneratedLevel]:
        """Make `count` different valid levels.

        seed: 0 or above; the same seed gives the same levels
        conditions: values by the card's condition names, and "symmetry"; what is left out is drawn
            from its range for each level anew
        Raises ConfigError for a value that the card does not allow, GenerationError if no valid
        new level was found in 50 samples.
        """
        _expect_whole("count", count, 0, MAX_LEVELS)
        _expect_whole("seed", seed, 0, 2**64 - 1)
        asked = self._check(conditions or {})
        tally = _Tally()
        seen: set[bytes] = set()
        try:
            return [self._level(seed, index, asked, seen, tally) for index in range(count)]
        finally:
            self.last_report = tally.report()

    def _level(
        self,
        seed: int,
        index: int,
        asked: dict[str, float | str],
        seen: set[bytes],
        tally: _Tally,
    ) -> GeneratedLevel:
        random = np.random.default_rng([seed, index])
        condition = self._complete(asked, random)
        symmetry = str(condition.get("symmetry", "none"))
        for _ in range(_ATTEMPTS):
            scores = self._sample(condition, symmetry, random)
            tally.samples += 1
            raw_valid = not violations(
                scores.argmax(-1), self._tile_names, self.card.constraints, symmetry
            )
            tally.raw_valid += raw_valid
            edits = 0
            if raw_valid:
                tiles = scores.argmax(-1).astype(np.uint8)
            else:
                try:
                    tiles, edits = repair(scores, self._tile_names, self.card.constraints, symmetry)
                except GenerationError:
                    tally.rejected += 1
                    continue
                tally.edits.append(edits)
            if tiles.tobytes() in seen:
                tally.duplicates += 1
                continue
            seen.add(tiles.tobytes())
            tiles.setflags(write=False)
            return GeneratedLevel(
                tiles, dict(self._legend), seed, dict(condition), edits, raw_valid
            )
        raise GenerationError(
            f"expected a valid new level within {_ATTEMPTS} samples, got none after {index} "
            f"levels under {condition}; ask for fewer levels or leave a condition open"
        )

    def _sample(
        self, condition: Mapping[str, float | str], symmetry: str, random: np.random.Generator
    ) -> np.ndarray:
        """Noisy logits [height, width, tiles]; their argmax is a sample of the network's softmax.

        One level a run: what a network computes for a level may depend on the batch in its last
        bits, and levels must not depend on how many are asked for.
        """
        card = self.card
        latent = random.standard_normal((1, card.latent_size)).astype(np.float32)
        vector = np.array([[self._column(name, condition) for name, _, _ in card.conditions]])
        logits = self._logits(latent, vector.astype(np.float32))
        shape = (card.height, card.width, len(card.tiles))
        if logits.shape != (1, *shape):
            raise ModelMismatchError(
                f"{card.name!r}: expected tile logits {(1, *shape)}, got {logits.shape}; "
                "train and export the generator again"
            )
        noise = symmetrize(random.gumbel(size=shape), self._tile_names, card.constraints, symmetry)
        return np.asarray(logits[0] + noise, np.float64)

    def _column(self, name: str, condition: Mapping[str, float | str]) -> float:
        if _is_symmetry(name):
            return float(condition["symmetry"] == name.removeprefix(_SYMMETRY_PREFIX))
        return float(condition[name])

    def _complete(
        self, asked: Mapping[str, float | str], random: np.random.Generator
    ) -> dict[str, float | str]:
        """Draw what was not asked for; always the same draws, so that the stream stays in step."""
        condition: dict[str, float | str] = {}
        for name, (low, high) in self._scalars.items():
            drawn = float(random.uniform(low, high))
            condition[name] = asked.get(name, round(drawn, 4))
        if self._symmetries:
            drawn_symmetry = self._symmetries[random.integers(len(self._symmetries))]
            condition["symmetry"] = asked.get("symmetry", drawn_symmetry)
        return condition

    def _check(self, conditions: Mapping[str, float | str]) -> dict[str, float | str]:
        checked: dict[str, float | str] = {}
        known = [*self._scalars, *(["symmetry"] if self._symmetries else [])]
        for name, value in conditions.items():
            if name not in known:
                raise ConfigError(
                    f"{self.card.name!r} has no condition {name!r}; there are: "
                    f"{', '.join(known) or 'none'}"
                )
            if name == "symmetry":
                if value not in self._symmetries:
                    raise ConfigError(
                        f"condition symmetry: expected one of {', '.join(self._symmetries)}, "
                        f"got {value!r}"
                    )
                checked[name] = str(value)
                continue
            low, high = self._scalars[name]
            number = _as_number(name, value)
            if not low <= number <= high:
                raise ConfigError(f"condition {name}: expected {low:g} to {high:g}, got {number:g}")
            checked[name] = number
        return checked


def load_generator(source: ModelSource, *, game: str | None = None) -> LevelGenerator:
    """Load a generator: a path, bytes, or the name of a shipped one such as "blast/generator".

    game: refuse a generator of another game
    Raises ModelMissingError, ModelBrokenError, ModelMismatchError.
    """
    from engine_plugin.runtime.session import open_session, run_session

    data, card = read_model(source)
    check_purpose(card, "generator", game, None)
    _check_constraints(card)
    session = open_session(data, card)

    def logits(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        outputs = run_session(session, ["tile_logits"], {"latent": latent, "condition": condition})
        return np.asarray(outputs[0])

    return LevelGenerator(logits, card, hashlib.sha256(data).hexdigest())


def _check_constraints(card: Card) -> None:
    """A card whose constraints name unknown tiles or are no constraints is refused when loaded."""
    tiles = np.zeros((card.height, card.width), np.uint8)
    try:
        violations(tiles, [name for name, _ in card.tiles], card.constraints)
    except (ConfigError, TypeError, ValueError) as error:
        raise ModelMismatchError(
            f"{card.name!r}: unusable constraints in its card: {error}; export it again"
        ) from error


def _is_symmetry(condition_name: str) -> bool:
    return condition_name.removeprefix(_SYMMETRY_PREFIX) in SYMMETRIES and (
        condition_name.startswith(_SYMMETRY_PREFIX)
    )


def _as_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ConfigError(f"condition {name}: expected a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ConfigError(f"condition {name}: expected a finite number, got {value!r}")
    return number


def _expect_whole(name: str, value: Any, low: int, high: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise ConfigError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
