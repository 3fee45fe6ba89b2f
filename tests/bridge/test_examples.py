"""The loops of examples/, with a seat in each by a few lines, and the models that sit in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_games import trace

import engine_plugin as ai
from engine_plugin.bridge.job import Job
from engine_plugin.bridge.sitting import record, sit
from engine_plugin.learn.worlds.loops import probe

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("paddle", "snake", "shooter")
WITH_A_MODEL = ("paddle", "snake", "shooter")


def game_of(name):
    return EXAMPLES / name / f"{name}.py"


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_trace_with_and_without_drawing(start, name):
    assert trace(start(game_of(name), streams=(4,)), 60) == trace(
        start(game_of(name), streams=(4,), drawing=True), 60
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_scripted_player_of_a_game_plays_through_its_keys(name, tmp_path):
    script = EXAMPLES / name / "player.py"
    out = tmp_path / "demos.npz"
    job = Job(
        "record", str(game_of(name)), out=str(out), player=f"{script}:play", headless=True,
        rounds=1, max_frames=1_200,
    )  # fmt: skip
    assert record(job)["rounds_in_file"] == 1
    actions = ai.load_trajectories(out).episodes[0].actions
    assert len(set(actions[:, 0].tolist())) >= 3


@pytest.mark.parametrize("name", WITH_A_MODEL)
def test_the_shipped_model_sits_in_its_game(name):
    model = EXAMPLES / name / f"{name}.onnx"
    card, facts = ai.read_card(model), probe(Job("act", str(game_of(name)))).facts
    assert card.layout["fields"] == facts.layout()["fields"] and card.game == name
    job = Job(
        "play", str(game_of(name)), player=str(model), headless=True, rounds=1, max_frames=600
    )
    played = sit(job)
    assert (played["rounds"], played["failed_decisions"]) == (1, 0)
