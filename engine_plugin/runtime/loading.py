"""From a name, a path or bytes to the checked bytes of a model and its card.

The order is the safety: a regular file, a size cap, one read, the checksum, a look at the
structure, then the card. Only after that does `engine_plugin.runtime.session` hand the same
bytes to onnxruntime. This module itself needs no onnxruntime.
"""

from __future__ import annotations

import importlib.resources
import re
from importlib.resources.abc import Traversable
from pathlib import Path

from engine_plugin.card import MAX_MODEL_BYTES, Card, read_card
from engine_plugin.errors import ModelBrokenError, ModelMismatchError, ModelMissingError
from engine_plugin.files import read_regular_file
from engine_plugin.runtime.inspection import inspect_model
from engine_plugin.runtime.manifest import (
    MANIFEST_NAME,
    check_digest,
    is_manifest,
    parse_manifest,
)

ModelSource = str | Path | bytes

_SHIPPED_NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_-]+")


def read_model(source: ModelSource, *, expected_sha256: str | None = None) -> tuple[bytes, Card]:
    """The bytes and the card of a model, checked without running it.

    source: a path, the bytes themselves, or the name of a shipped model such as "blast/medium"
    expected_sha256: hex digest that the bytes must have; beside a `manifest.json` that lists
        the file, the digest there is checked as well

    Raises ModelMissingError, ModelBrokenError or ModelMismatchError (a newer card).
    """
    if isinstance(source, (str, Path)):
        label = str(source)
        data, digest = _read_shipped(label) if _is_shipped_name(source) else _read_file(source)
    else:
        label, data, digest = "the model", bytes(source), None
    if len(data) > MAX_MODEL_BYTES:
        raise ModelBrokenError(f"{label}: expected at most {MAX_MODEL_BYTES:,} bytes, got more")
    for expected in (expected_sha256, digest):
        if expected is not None:
            check_digest(label, data, expected)
    try:
        inspect_model(data)
        return data, read_card(data)
    except (ModelBrokenError, ModelMismatchError) as error:
        raise type(error)(f"{label}: {error}") from error


def check_purpose(card: Card, kind: str, game: str | None, layout_hash: str | None) -> None:
    """Raise ModelMismatchError unless the card is of this kind and, where given, game and layout.

    kind: "policy" or "generator"; game, layout_hash: None accepts any
    """
    if card.kind != kind:
        raise ModelMismatchError(
            f"expected a {kind} model, got {card.name!r}, a {card.kind}; "
            f"load it with load_{card.kind}"
        )
    if game is not None and card.game != game:
        raise ModelMismatchError(
            f"expected a model for the game {game!r}, got {card.name!r} for {card.game!r}; "
            f"choose one that was trained on {game}"
        )
    if layout_hash is not None and card.layout_hash != layout_hash:
        raise ModelMismatchError(
            f"expected a model of observation layout {layout_hash}, got {card.name!r} of "
            f"{card.layout_hash or 'none'} (version {card.game_version} of {card.game}); "
            "train it again or use the version of the game that it was made for"
        )


def shipped_models() -> tuple[str, ...]:
    """Names of the models that come with the package, such as "blast/medium"."""
    models = assets_folder() / "models"
    names = []
    if models.is_dir():
        for game in models.iterdir():
            if game.is_dir():
                names += [
                    f"{game.name}/{entry.name[: -len('.onnx')]}"
                    for entry in game.iterdir()
                    if entry.name.endswith(".onnx")
                ]
    return tuple(sorted(names))


def assets_folder() -> Traversable:
    """The shipped assets: installed beside this package.

    The neighbour comes first, because a game may well have an `assets` package of its own.
    """
    beside = Path(__file__).parents[2] / "assets"
    if (beside / "models").is_dir():
        return beside
    try:
        return importlib.resources.files("assets")
    except ModuleNotFoundError:
        return beside


def _is_shipped_name(source: str | Path) -> bool:
    return isinstance(source, str) and _SHIPPED_NAME.fullmatch(source) is not None


def _read_shipped(name: str) -> tuple[bytes, str | None]:
    """(bytes, listed SHA-256) of a shipped model."""
    game, model = name.split("/")
    folder = assets_folder() / "models" / game
    file, manifest = folder / f"{model}.onnx", folder / MANIFEST_NAME
    if not file.is_file():
        raise ModelMissingError(
            f"no shipped model {name!r}; there are: {', '.join(shipped_models()) or 'none'} "
            "(a model of your own is named by its path, ending in .onnx)"
        )
    listed = parse_manifest(manifest.read_bytes()) if manifest.is_file() else {}
    return file.read_bytes(), listed.get(file.name)


def _read_file(path: str | Path) -> tuple[bytes, str | None]:
    """(bytes, SHA-256 listed in a manifest beside it) of a model file."""
    path = Path(path)
    data = read_regular_file(
        path, limit=MAX_MODEL_BYTES, missing=ModelMissingError, refused=ModelBrokenError
    )
    manifest = path.with_name(MANIFEST_NAME)
    text = _read_manifest(manifest)
    try:
        return data, None if text is None else parse_manifest(text).get(path.name)
    except ModelBrokenError as error:
        raise ModelBrokenError(f"{manifest}: {error}") from error


def _read_manifest(path: Path) -> bytes | None:
    """The manifest beside a model of one's own; None where there is none, or only another tool's
    file of that name."""
    try:
        text = read_regular_file(
            path, limit=1 << 20, missing=ModelMissingError, refused=ModelBrokenError
        )
    except (ModelMissingError, ModelBrokenError):
        return None
    return text if is_manifest(text) else None
