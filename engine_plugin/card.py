"""The model card: what a model is for and how it acts, carried inside the ONNX file.

A card is JSON under the key `CARD_KEY` of the file's `metadata_props`. It is read without
running the model, and the runtime obeys it: the game and layout it was made for, the action
names, the decision rule it was evaluated with, or the tiles and constraints of its levels.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from engine_plugin import strict_json
from engine_plugin.checks import Checks
from engine_plugin.errors import (
    ConfigError,
    ModelBrokenError,
    ModelMismatchError,
    ModelMissingError,
)
from engine_plugin.files import read_regular_file
from engine_plugin.protobuf import decode_text, read_fields

CARD_KEY = "engine_plugin.card"
SCHEMA = 1
KINDS = ("policy", "generator")
RULES = ("greedy", "softmax")
Safety = Literal["none", "survivable", "cautious"]
SAFETIES: tuple[Safety, ...] = get_args(Safety)
# For how many ticks the filter reckons with a step of the other players.
CAUTION = {"survivable": 0, "cautious": 2}
OBSERVATION_TYPES = ("uint8", "float32")
MAX_MODEL_BYTES = 64 << 20

_expect = Checks(ConfigError)

_COMMON_KEYS = ("schema", "kind", "name", "game", "game_version", "training", "evaluation")
_KIND_KEYS = {
    "policy": ("layout", "layout_hash", "actions", "decision", "period"),
    "generator": (
        "layout",
        "layout_hash",
        "latent_size",
        "conditions",
        "tiles",
        "height",
        "width",
        "constraints",
    ),
}


@dataclass(frozen=True)
class Decision:
    """How q values become an action.

    rule: "greedy" takes the best allowed action, "softmax" samples softmax(q / temperature)
    temperature: above 0, in units of q; greedy ignores it
    safety: "survivable" allows only actions that can be survived if the others stand still, where
        there is one; "cautious" those that can wherever they walk in the next two ticks, where
        there is one
    """

    rule: str = "greedy"
    temperature: float = 1.0
    safety: str = "none"

    def __post_init__(self) -> None:
        _expect(self.rule in RULES, f"decision rule: expected {RULES}, got {self.rule!r}")
        _expect(
            _is_number(self.temperature) and 1e-6 <= self.temperature <= 1e6,
            f"decision temperature: expected 1e-6 to 1e6, got {self.temperature!r}",
        )
        _expect(
            self.safety in SAFETIES, f"decision safety: expected {SAFETIES}, got {self.safety!r}"
        )

    @property
    def caution(self) -> int:
        """What `fastenv`'s `survivable_mask(caution=...)` is asked for."""
        return CAUTION.get(self.safety, 0)


@dataclass(frozen=True)
class Card:
    """What a model is for. A wrong value raises ConfigError.

    kind: "policy" or "generator"
    name: the model's own name, shown to people
    game, game_version: the rules it was made for
    layout: observation layout as `fastenv.GameSpec.layout()` gives it: {"dtype": "uint8" or
        "float32", "fields": [{"name", "shape", ...}, ...], ...}; empty for a generator
    layout_hash: `hash_of(layout)`; computed where it is left empty
    actions: action names in index order (policy)
    decision: how it was evaluated, and therefore how it plays (policy)
    period: ticks per decision (policy)
    latent_size: width of the input `latent` (generator)
    conditions: (name, low, high) of each column of the input `condition` (generator)
    tiles: (name, character) in tile id order (generator)
    height, width: level size in tiles (generator)
    constraints: what makes a level valid, as `asdict(spec.level_constraints)` (generator)
    training: command, config, steps, seconds, seed, versions, ...: whatever made the model
    evaluation: whatever was measured
    """

    kind: str
    name: str
    game: str
    game_version: int
    layout: dict[str, Any] = field(default_factory=dict)
    layout_hash: str = ""
    actions: tuple[str, ...] = ()
    decision: Decision = field(default_factory=Decision)
    period: int = 1
    latent_size: int = 0
    conditions: tuple[tuple[str, float, float], ...] = ()
    tiles: tuple[tuple[str, str], ...] = ()
    height: int = 0
    width: int = 0
    constraints: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        _expect(self.schema == SCHEMA, f"schema: expected {SCHEMA}, got {self.schema!r}")
        _expect(self.kind in KINDS, f"kind: expected {KINDS}, got {self.kind!r}")
        _expect.text("name", self.name)
        _expect.text("game", self.game)
        _expect.whole("game_version", self.game_version, 0, 1 << 31)
        for name in ("layout", "constraints", "training", "evaluation"):
            # Through JSON and back, so that a card equals its copy from the file.
            object.__setattr__(self, name, _as_json(name, getattr(self, name)))
        if self.layout and not self.layout_hash:
            object.__setattr__(self, "layout_hash", hash_of(self.layout))
        _expect(
            self.layout_hash == (hash_of(self.layout) if self.layout else ""),
            f"layout_hash: it does not belong to the layout, got {self.layout_hash!r}",
        )
        if self.kind == "policy":
            _check_policy(self)
        else:
            _check_generator(self)

    @property
    def observation_size(self) -> int:
        """Elements in one flat observation; 0 for a generator."""
        return sum(math.prod(entry["shape"]) for entry in self.layout.get("fields", ()))

    @property
    def observation_type(self) -> str:
        """ "uint8" or "float32"; empty for a generator."""
        return str(self.layout.get("dtype", ""))

    def to_json(self) -> str:
        """One line of JSON; `from_json` reads it back to an equal card."""
        keys = _COMMON_KEYS + _KIND_KEYS[self.kind]
        values = asdict(self)
        try:
            return strict_json.dump_object({key: values[key] for key in keys})
        except (TypeError, ValueError) as error:
            raise ConfigError(f"card: {error}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Card:
        """Read a card. Raises ModelBrokenError for a bad one, ModelMismatchError for a newer one.

        Keys that this version does not know are refused, so that nothing in a card is ignored.
        """
        try:
            values = strict_json.parse_object(text)
        except ValueError as error:
            raise ModelBrokenError(f"the model's card is not sound JSON: {error}") from error
        schema = values.get("schema")
        if isinstance(schema, int) and schema > SCHEMA:
            raise ModelMismatchError(
                f"expected a card of schema {SCHEMA}, got {schema}: "
                "made by a newer engine_plugin; upgrade the package"
            )
        try:
            return cls(**_arguments(values))
        except ConfigError as error:
            raise ModelBrokenError(f"the model's card is damaged: {error}") from error


def hash_of(layout: dict[str, Any]) -> str:
    """First 16 hex digits of the SHA-256 of the layout's canonical JSON."""
    text = json.dumps(layout, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_card(source: str | Path | bytes) -> Card:
    """The card of a model file, or of its bytes, without running the model.

    Raises ModelMissingError, ModelBrokenError (damaged, or no card) or ModelMismatchError
    (a card of a newer schema).
    """
    if isinstance(source, (str, Path)):
        data = read_regular_file(
            source, limit=MAX_MODEL_BYTES, missing=ModelMissingError, refused=ModelBrokenError
        )
    else:
        data = bytes(source)
    found = [value for key, value in _metadata(data) if key == CARD_KEY]
    if len(found) != 1:
        raise ModelBrokenError(
            f"expected one card ({CARD_KEY}) in the model's metadata, got {len(found)}; "
            "use a model written by engine-plugin export"
        )
    return Card.from_json(found[0])


def _metadata(data: bytes) -> list[tuple[str, str]]:
    """The ONNX ModelProto's metadata_props (field 14): key is field 1, value is field 2."""
    entries = []
    for number, entry in read_fields(memoryview(data)):
        if number == 14 and isinstance(entry, memoryview):
            parts = {1: "", 2: ""}
            for part, value in read_fields(entry):
                if part in parts and isinstance(value, memoryview):
                    parts[part] = decode_text(value)
            entries.append((parts[1], parts[2]))
    return entries


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments from parsed JSON; the lists of a card become tuples."""
    kind = values.get("kind")
    _expect(isinstance(kind, str) and kind in KINDS, f"kind: expected {KINDS}, got {kind!r}")
    expected = _COMMON_KEYS + _KIND_KEYS[str(kind)]
    unknown = sorted(set(values) - set(expected))
    absent = sorted(set(expected) - set(values))
    _expect(not unknown, f"unknown keys {unknown}; made by another version of engine_plugin?")
    _expect(not absent, f"missing keys {absent}")
    arguments = dict(values)
    for key in ("actions", "conditions", "tiles"):
        if key in arguments:
            arguments[key] = _as_tuple(key, arguments[key])
    if "decision" in arguments:
        decision = arguments["decision"]
        names = {entry.name for entry in fields(Decision)}
        _expect(
            isinstance(decision, dict) and set(decision) == names,
            f"decision: expected an object with the keys {sorted(names)}, got {decision!r}",
        )
        arguments["decision"] = Decision(**decision)
    return arguments


def _as_tuple(name: str, value: Any) -> tuple[Any, ...]:
    _expect(isinstance(value, list), f"{name}: expected a list, got {value!r}")
    return tuple(tuple(entry) if isinstance(entry, list) else entry for entry in value)


def _check_policy(card: Card) -> None:
    _expect(isinstance(card.decision, Decision), f"decision: got {card.decision!r}")
    _expect.whole("period", card.period, 1, 1000)
    _expect(1 <= len(card.actions) <= 255, f"actions: expected 1 to 255, got {len(card.actions)}")
    for action in card.actions:
        _expect.text("actions", action)
    _expect(len(set(card.actions)) == len(card.actions), "actions: a name occurs twice")
    _expect(
        card.layout.get("dtype") in OBSERVATION_TYPES,
        f"layout dtype: expected {OBSERVATION_TYPES}, got {card.layout.get('dtype')!r}",
    )
    _expect(
        card.layout.get("actions", list(card.actions)) == list(card.actions),
        "actions: they differ from those of the layout",
    )
    entries = card.layout.get("fields")
    _expect(isinstance(entries, list) and entries != [], "layout: expected a list of fields")
    for entry in entries or ():
        _expect(isinstance(entry, dict), f"layout field: got {entry!r}")
        shape = entry.get("shape")
        _expect(isinstance(shape, list), f"layout field shape: expected a list, got {shape!r}")
        for extent in shape:
            _expect.whole("layout field shape", extent, 1, 1 << 20)
    _expect(card.observation_size <= 1 << 22, "layout: an observation of more than 4 Mi elements")


def _check_generator(card: Card) -> None:
    _expect.whole("latent_size", card.latent_size, 1, 4096)
    _expect.whole("height", card.height, 1, 1024)
    _expect.whole("width", card.width, 1, 1024)
    _expect(2 <= len(card.tiles) <= 255, f"tiles: expected 2 to 255, got {len(card.tiles)}")
    for tile in card.tiles:
        _expect(
            isinstance(tile, tuple) and len(tile) == 2 and all(isinstance(t, str) for t in tile),
            f"tiles: expected (name, character), got {tile!r}",
        )
        _expect.text("tiles", tile[0])
        _expect(len(tile[1]) == 1, f"tiles: expected one character, got {tile[1]!r}")
    for part in zip(*card.tiles, strict=True):
        _expect(len(set(part)) == len(part), f"tiles: one occurs twice in {part}")
    for condition in card.conditions:
        _expect(
            isinstance(condition, tuple)
            and len(condition) == 3
            and isinstance(condition[0], str)
            and _is_number(condition[1])
            and _is_number(condition[2])
            and condition[1] <= condition[2],
            f"conditions: expected (name, low, high), got {condition!r}",
        )
    names = [condition[0] for condition in card.conditions]
    _expect(len(set(names)) == len(names), f"conditions: a name occurs twice in {names}")


def _as_json(name: str, value: Any) -> dict[str, Any]:
    _expect(isinstance(value, dict), f"{name}: expected a dict, got {type(value).__name__}")
    try:
        return strict_json.parse_object(strict_json.dump_object(value))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: {error}") from error


def _is_number(value: Any) -> bool:
    """True of a plain number of sane size; NaN fails both comparisons."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e9 <= value <= 1e9
