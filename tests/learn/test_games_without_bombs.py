"""Learning reads what it needs of a game from its spec: shown on a game without bombs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")


import fastenv
from engine_plugin.grid import GridLayout
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.encoding import WindowEncoder
from engine_plugin.learn.evaluate import ScriptedPolicy, play_episodes, strength, summary
from engine_plugin.learn.networks import DQN
from tests.one_thread import tensorflow_threads

SPEC = fastenv.game_spec("race")


def test_the_window_shows_the_contents_of_this_game():
    encoder = WindowEncoder(GridLayout.of(SPEC), 5)
    assert encoder.channels == len(SPEC.contents) - 1 + 3 + 1
    arena = Arena("race", ("racer",), 4, 3)
    window, vector = (part.numpy() for part in encoder(arena.observations))
    assert window.shape == (4, 5, 5, encoder.channels) and vector.shape == (4, encoder.vector_size)
    for row in range(4):
        cells = arena.observations[row, : SPEC.height * SPEC.width]
        around = np.pad(
            cells.reshape(SPEC.height, SPEC.width), 2, constant_values=SPEC.content_id("wall")
        )
        top = int(arena.observations[row, SPEC.offset("own_row")])
        left = int(arena.observations[row, SPEC.offset("own_column")])
        seen = around[top : top + 5, left : left + 5]
        for content in range(1, len(SPEC.contents)):
            assert np.array_equal(window[row, :, :, content - 1], seen == content)
    assert not window[..., len(SPEC.contents) - 1 : -1].any(), "nothing is dangerous in a race"


def test_a_network_gives_values_for_the_actions_of_this_game():
    network = DQN(SPEC, PolicyConfig(out="unused", game="race", reward="game").resolved())
    arena = Arena("race", ("racer", "survivor"), 8, 3)
    for symmetry in range(8):
        values = network(arena.observations, np.full(8, symmetry, np.int32)).numpy()
        assert values.shape == (8, 5) and np.isfinite(values).all()


def test_matches_are_counted_without_what_only_other_games_count():
    played = play_episodes(SPEC, ScriptedPolicy("racer"), ("survivor",), 40, 1, None, "survivable")
    row = summary(SPEC, played["survivor"])
    assert "self_kills" not in row and "wins_before_closing" not in row
    assert row["wins"] > 25 and row["wins"] + row["losses"] + row["draws"] == 40
    assert strength(SPEC, played) == pytest.approx((row["wins"] - row["losses"]) / 40)
    blast = fastenv.game_spec("blast")
    row = summary(blast, play_episodes(
        blast, ScriptedPolicy("hunter"), ("idle",), 4, 1, None, "none"
    )["idle"])
    assert {"self_kills", "wins_before_closing"} <= set(row)


def test_it_is_recorded_trained_exported_and_evaluated(tmp_path: Path):
    pytest.importorskip("tf2onnx")
    from engine_plugin.export.run import export_run
    from engine_plugin.learn.demonstrations import load_demonstrations
    from engine_plugin.learn.judge import judge_model
    from engine_plugin.learn.record import record_scripted
    from engine_plugin.learn.train import train_policy

    demos = tmp_path / "idle.npz"
    levels = fastenv.builtin_levels(SPEC, 1, 4)
    record_scripted(SPEC, "idle", ("idle",), 500, 1, levels, demos)
    transitions = load_demonstrations(demos, SPEC, "survivable").transitions
    cut = transitions.arrays["truncated"].ravel()
    assert cut.sum() == 3 and not transitions.arrays["terminated"].any(), "240 ticks, then cut"
    threads = tensorflow_threads()
    config = PolicyConfig(
        out=str(tmp_path / "run"), game="race", demos=str(demos), levels="builtin", steps=1024,
        opponents="survivor,racer", num_envs=16, warm_up=256, batch_size=64, width=16,
        discriminator_width=16, window=3, discriminator_window=3, evaluation_episodes=4, minutes=1,
        threads=threads,
    )  # fmt: skip
    train_policy(config)
    export_run(config.out)
    model = str(tmp_path / "run" / "model.onnx")
    judged = judge_model(model, "race", ("survivor",), 4, 1, "builtin", None)
    assert judged["against"]["survivor"]["episodes"] == 4
