"""Generated levels as files, and the measurement of a generator: what the commands call."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fastenv
from engine_plugin.errors import ConfigError, ModelMismatchError
from engine_plugin.files import refuse_existing
from engine_plugin.levels.corpus import (
    HELD_OUT_GRAMMAR_LEVELS,
    grammar_tiles,
    template_tiles,
    training_tiles,
)
from engine_plugin.levels.metrics import all_views, divergences, stacked, summarize
from engine_plugin.runtime.constraints import violations
from engine_plugin.runtime.generator import GeneratedLevel, LevelGenerator, load_generator
from engine_plugin.runtime.loading import ModelSource
from fastenv.spec import GameSpec


def generate_to_folder(
    model: ModelSource,
    count: int,
    seed: int,
    conditions: Mapping[str, float | str] | None,
    out: str | Path,
    force: bool = False,
    game: str | None = None,
) -> dict[str, Any]:
    """Generate levels into a new folder, NAME.txt and NAME.json each; return what was done.

    The folder appears when it is complete: after an error nothing is left of it, and with `force`
    what was there stays until then. Raises OutputExistsError, ConfigError, ModelError,
    GenerationError.
    """
    if count < 1:
        raise ConfigError(f"count: expected at least 1 level, got {count}")
    out = Path(out)
    refuse_existing(out, force)
    generator = load_generator(model, game=game)
    spec = game_of(generator)
    levels = generator.generate(count, seed=seed, conditions=conditions)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        digits = max(3, len(str(count - 1)))
        for index, level in enumerate(levels):
            metadata = level_metadata(level, index, generator)
            frozen = fastenv.Level.from_tiles(level.tiles, spec, metadata)
            frozen.save(temporary / f"level_{index:0{digits}d}.txt", spec)
        _move(temporary, out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    report = asdict(generator.last_report)
    samples = max(generator.last_report.samples, 1)
    return {
        "out": str(out),
        "levels": len(levels),
        "seed": seed,
        "conditions": dict(conditions or {}),
        "model": generator.card.name,
        "model_hash": generator.model_hash,
        "raw_valid_share": round(generator.last_report.raw_valid / samples, 4),
        "repaired_share": round(generator.last_report.repaired / samples, 4),
        **report,
    }


def evaluate_levels(
    model: ModelSource, count: int = 1000, seed: int = 0, game: str | None = None
) -> dict[str, Any]:
    """Generate `count` levels and measure them: JSON-ready figures.

    Pattern divergences are given against three sets, each held-out one with its floor, the
    divergence of the corpus itself from it: the training corpus, levels of the grammar that were
    never trained on, and the held-out templates in all their views.
    """
    if count < 1:
        raise ConfigError(f"count: expected at least 1 level, got {count}")
    generator = load_generator(model, game=game)
    spec = game_of(generator)
    corpus = training_tiles(spec)
    levels = generator.generate(count, seed=seed)
    figures = summarize(levels, generator.last_report, spec, corpus)
    held_out = {
        "grammar": grammar_tiles(spec, HELD_OUT_GRAMMAR_LEVELS, held_out=True),
        "templates": all_views(template_tiles(spec, held_out=True), spec),
    }
    figures["held_out"] = {
        name: {
            "divergence": divergences(stacked(levels, spec), others),
            "floor": divergences(corpus, others),
        }
        for name, others in held_out.items()
        if len(others)
    }
    about = {"model": generator.card.name, "model_hash": generator.model_hash, "seed": seed}
    return about | figures


def level_metadata(level: GeneratedLevel, index: int, generator: LevelGenerator) -> dict[str, Any]:
    """What the sidecar of a generated level says: how to make it again, and the verdict on it."""
    names = [name for name, _ in generator.card.tiles]
    symmetry = str(level.condition.get("symmetry", "none"))
    wrong = violations(level.tiles, names, generator.card.constraints, symmetry)
    return {
        "seed": level.seed,
        "index": index,
        "model": generator.card.name,
        "model_hash": generator.model_hash,
        "conditions": level.condition,
        "edits": level.edits,
        "raw_valid": level.raw_valid,
        "verdict": "; ".join(wrong) or "valid",
    }


def game_of(generator: LevelGenerator) -> GameSpec:
    """The game a generator was made for. Raises ModelMismatchError if its tiles are others now."""
    card = generator.card
    spec = fastenv.game_spec(card.game)
    tiles = tuple((tile.name, tile.character) for tile in spec.tiles)
    if card.tiles != tiles or (card.height, card.width) != (spec.height, spec.width):
        raise ModelMismatchError(
            f"{card.name!r}: expected {spec.height}x{spec.width} levels of the tiles "
            f"{[name for name, _ in tiles]}, got {card.height}x{card.width} of "
            f"{[name for name, _ in card.tiles]}; train it again for this version of {spec.name}"
        )
    return spec


def _move(folder: Path, out: Path) -> None:
    """Put a finished folder in its place; what was there goes only once the new one stands."""
    if not out.exists() and not out.is_symlink():
        folder.rename(out)
        return
    aside = out.with_name(f".{out.name}.{secrets.token_hex(4)}.old")
    out.rename(aside)
    try:
        folder.rename(out)
    except OSError:
        aside.rename(out)
        raise
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink()
