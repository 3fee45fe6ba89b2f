"""A run is watched: what its log says of a real training, and which alarms it raises."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")


import fastenv
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.health import LOGIT_BINS
from engine_plugin.learn.log import read_log
from engine_plugin.learn.record import record_scripted
from engine_plugin.learn.train import train_policy
from tests.one_thread import tensorflow_threads

SPEC = fastenv.game_spec("blast")


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "hunter.npz"
    levels = fastenv.builtin_levels(SPEC, 0, 32)
    record_scripted(SPEC, "hunter", ("survivor",), 3_000, 0, levels, path)
    return path


def train(out: Path, demos: Path | None, **changes: Any) -> list[dict[str, Any]]:
    """A short training; its log."""
    settings: dict[str, Any] = {
        "out": str(out), "demos": None if demos is None else str(demos), "reward": "style",
        "levels": "builtin", "opponents": "survivor", "num_envs": 64, "batch_size": 128,
        "steps_per_update": 128, "warm_up": 2_048, "width": 32, "evaluation_episodes": 20,
        "safety": "none", "warm_start": False, "steps": 12_800, "evaluate_steps": 6_400, "seed": 1,
        "threads": tensorflow_threads(), **changes,
    }  # fmt: skip
    train_policy(PolicyConfig(**settings))
    return read_log(out / "log.jsonl")


def names(lines: list[dict[str, Any]]) -> list[str]:
    return [alarm["name"] for line in lines for alarm in line.get("alarms", [])]


def test_a_reward_that_leans_is_found_out_within_seconds(demos: Path, tmp_path: Path) -> None:
    """`survive` without entropy to speak of: dying ends in an absorbing state that pays more."""
    lines = train(tmp_path / "run", demos, style_form="survive", temperature=0.1,
                  style_weight=1.0, gamma=0.95, target_tau=0.05, seed=2, steps=25_600)
    assert "termination bias" in names(lines)
    text = next(alarm["text"] for line in lines for alarm in line.get("alarms", ())
                if alarm["name"] == "termination bias")
    assert "positive at nearly every step" in text and "ending soon pays" in text
    seen = text.partition(" Use ")[0]  # the option that follows is set apart
    assert escape(seen) in (tmp_path / "run" / "report.html").read_text()


@pytest.fixture(scope="module")
def usual(demos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The log of the form that leans neither way."""
    return train(tmp_path_factory.mktemp("usual") / "run", demos)


def test_the_usual_reward_raises_no_alarm(usual: list[dict[str, Any]]) -> None:
    assert names(usual) == []


def test_the_log_says_how_the_discriminator_is(usual: list[dict[str, Any]]) -> None:
    for line in usual:
        health = line["discriminator"]
        assert 0.4 < health["held_out_accuracy"] <= 1 and abs(health["memorising_gap"]) < 0.5
        # What is demonstrated looks more so than what is not.
        assert health["logits"]["demonstrations"] > health["logits"]["agent"]
        assert set(health["histograms"]) == {"demonstrations", "held_out", "agent"}
        for shares in health["histograms"].values():
            assert len(shares) == LOGIT_BINS and sum(shares) == pytest.approx(1, abs=0.01)
        assert health["pace"] == "steady"
        # Learned; near 0, as both end about as often.
        assert 0 < abs(line["style_reward"]["end_value"]) < 1
        assert 0 < line["decisions"]["entropy"] < 1
        assert line["decisions"]["most_chosen"] in SPEC.actions
        assert line["episode_ticks"] > 0
        row = line["against"]["survivor"]
        for count in ("wins", "losses", "draws"):
            assert sum(seat[count] for seat in row["by_seat"]) == row[count]


def test_nothing_learns_from_what_is_held_out(
    demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the clone, the discriminator nor the policy is shown a transition of it."""
    from engine_plugin.learn import train as training
    from engine_plugin.learn.demonstrations import load_demonstrations
    from engine_plugin.learn.held_out import split_episodes

    split = split_episodes(load_demonstrations(demos, SPEC, "none").transitions, 0.1, 1)
    assert split.held_out is not None
    secret = {row.tobytes() for row in split.held_out.arrays["observations"][:, 0]}
    secret -= {row.tobytes() for row in split.learned.arrays["observations"][:, 0]}
    seen: set[bytes] = set()
    learner, judge = training.DQNLearner, training.DiscriminatorLearner
    for owner, method in ((learner, "clone"), (learner, "update"), (judge, "update")):
        made = owner.__init__

        def wrapped(self: Any, *given: Any, made: Any = made, method: str = method) -> None:
            made(self, *given)
            real = getattr(self, method)

            def spied(*arguments: Any) -> Any:
                for part in arguments:
                    shown = getattr(part, "observations", part)
                    if getattr(shown, "dtype", None) == "uint8" and shown.ndim >= 2:
                        seen.update(row.tobytes() for row in shown.reshape(-1, shown.shape[-1]))
                return real(*arguments)

            setattr(self, method, spied)

        monkeypatch.setattr(owner, "__init__", wrapped)
    train(tmp_path / "run", demos, warm_start=True, clone_updates=4, steps=3_200)
    assert len(seen) > 1_000 and len(secret) > 100
    assert not seen & secret


def test_a_game_without_a_discriminator_is_watched_as_well(tmp_path: Path) -> None:
    lines = train(tmp_path / "run", None, reward="game", steps=3_200, evaluate_steps=3_200)
    assert "discriminator" not in lines[-1] and "decisions" in lines[-1]
    assert (tmp_path / "run" / "report.html").exists()
