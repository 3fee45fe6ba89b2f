"""The card: what goes in comes out, and nothing that is wrong or unknown gets by."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_plugin.card import Card, Decision, hash_of, read_card
from engine_plugin.errors import ConfigError, ModelBrokenError, ModelMismatchError

GENERATOR = Card(
    kind="generator",
    name="levels",
    game="toy",
    game_version=2,
    latent_size=8,
    conditions=(("crates", 0.1, 0.7), ("mirror", 0, 1)),
    tiles=(("floor", "."), ("wall", "#")),
    height=3,
    width=5,
    constraints={"border": "wall", "exactly": [["spawn", 1]]},
)

texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=10)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(max_size=8), json_values, max_size=4)


@st.composite
def policy_cards(draw: st.DrawFn) -> Card:
    fields = [{"name": "f", "shape": draw(st.lists(st.integers(1, 9), max_size=3))}]
    return Card(
        kind="policy",
        name=draw(texts),
        game=draw(texts),
        game_version=draw(st.integers(0, 1000)),
        layout={"dtype": draw(st.sampled_from(["uint8", "float32"])), "fields": fields},
        actions=tuple(draw(st.lists(texts, min_size=1, max_size=6, unique=True))),
        decision=Decision(
            draw(st.sampled_from(["greedy", "softmax"])),
            draw(st.floats(0.001, 10)),
            draw(st.sampled_from(["none", "survivable"])),
        ),
        period=draw(st.integers(1, 60)),
        training=draw(json_objects),
        evaluation=draw(json_objects),
    )


@given(policy_cards())
def test_a_policy_card_round_trips(card):
    assert Card.from_json(card.to_json()) == card
    assert card.layout_hash == hash_of(card.layout)


def test_a_generator_card_round_trips():
    assert Card.from_json(GENERATOR.to_json()) == GENERATOR


@given(st.text(max_size=60) | json_objects.map(json.dumps))
def test_no_text_raises_anything_but_a_model_error(text):
    with pytest.raises((ModelBrokenError, ModelMismatchError)):
        Card.from_json(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"surprise": 1}, "unknown keys.*surprise"),
        ({"kind": "dragon"}, "kind.*dragon"),
        ({"kind": []}, "kind"),
        ({"layout_hash": "0" * 16}, "layout_hash"),
        ({"actions": "wait"}, "actions: expected a list"),
        ({"actions": ["wait", "wait"]}, "twice"),
        ({"decision": {"rule": "greedy"}}, "decision"),
        ({"decision": {"rule": "dice", "temperature": 1, "safety": "none"}}, "dice"),
        ({"decision": {"rule": "softmax", "temperature": 0, "safety": "none"}}, "temperature"),
        ({"period": 0}, "period"),
        ({"period": True}, "period"),
        ({"game_version": "1"}, "game_version"),
        ({"layout": {"dtype": "uint8", "fields": []}}, "layout"),
    ],
)
def test_a_wrong_value_is_named(make_card, change, says):
    values = json.loads(make_card().to_json()) | change
    with pytest.raises(ModelBrokenError, match=says):
        Card.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', '{"a": 1e400}', '{"a": 1, "a": 2}', "[" * 100_000, "[]", '{"a": ' * 40, ""],
)
def test_json_beyond_the_standard_is_refused(text):
    with pytest.raises(ModelBrokenError, match="JSON"):
        Card.from_json(text)


def test_a_newer_card_asks_for_an_upgrade(make_card):
    values = json.loads(make_card().to_json()) | {"schema": 2}
    with pytest.raises(ModelMismatchError, match="upgrade"):
        Card.from_json(json.dumps(values))


def test_a_wrong_card_cannot_be_made(make_card):
    with pytest.raises(ConfigError, match="training"):
        make_card(training={"loss": float("nan")})
    with pytest.raises(ConfigError, match="tiles"):
        replace(GENERATOR, tiles=(("floor", "."), ("wall", ".")))
    with pytest.raises(ConfigError, match="conditions"):
        replace(GENERATOR, conditions=(("crates", 0.7, 0.1),))


def test_the_card_is_read_from_a_file_without_running_it(make_model, make_card, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(make_model())
    assert read_card(path) == make_card()
    assert read_card(str(path)) == read_card(path.read_bytes())


def test_the_layout_gives_the_size_of_an_observation(make_card):
    assert (make_card().observation_size, make_card().observation_type) == (4, "uint8")
    assert GENERATOR.observation_size == 0
