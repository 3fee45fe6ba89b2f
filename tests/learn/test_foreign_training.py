"""Tiny trainings on Gymnasium envs from end to end: train, export, evaluate, play in a loop."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("tf2onnx")

import small_envs

from engine_plugin.card import read_card
from engine_plugin.errors import ConfigError, ModelMismatchError, TrajectoryError, WorldError
from engine_plugin.export.run import export_run
from engine_plugin.facts import ForeignField, ForeignGame
from engine_plugin.learn import train as train_module
from engine_plugin.learn.checkpoint import load_checkpoint
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.log import read_log
from engine_plugin.learn.train import TrainingRun, train_policy
from engine_plugin.learn.worlds import open_task
from engine_plugin.learn.worlds.gymnasium import (
    TRAINING,
    episode_seed,
    gymnasium_facts,
    judge_env,
    record_env,
)
from engine_plugin.runtime.policy import load_policy
from engine_plugin.trajectory import load_trajectories
from tests.one_thread import tensorflow_threads

CORRIDOR = "small/Corridor-vector-v0"


def config(out: Path, env: str = CORRIDOR, **changes: Any) -> PolicyConfig:
    settings: dict[str, Any] = {
        "steps": 640, "warm_up": 128, "seed": 2, "width": 16, "batch_size": 32, "num_envs": 4,
        "steps_per_update": 8, "updates_at_once": 1, "epsilon_steps": 300, "evaluate_steps": 320,
        "evaluation_episodes": 4, "discriminator_width": 16, "clone_updates": 8,
        "threads": tensorflow_threads(), **changes,
    }
    return PolicyConfig(out=str(out), env=env, **settings)


def train(out: Path, env: str = CORRIDOR, **changes: Any) -> dict[str, Any]:
    return train_policy(config(out, env, **changes), "engine-plugin train policy")


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def corridor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned to walk right, exported."""
    out = tmp_path_factory.mktemp("corridor") / "run"
    train(out, steps=3_000, steps_per_update=4, learning_rate=2e-3, evaluation_episodes=30,
          updates_at_once=8)
    export_run(out)
    return out


def test_it_learns_exports_and_is_judged_on_unseen_episodes(corridor: Path) -> None:
    judged = judge_env(str(corridor / "model.onnx"), CORRIDOR, 25, 1)
    assert judged["return"]["mean"] == 0.25 and judged["length"]["max"] == 4
    assert judged["game"] == CORRIDOR and judged["episodes"] == 25
    at_random = judge_env("bot:random", CORRIDOR, 25, 1)
    assert at_random["return"]["mean"] < 0


def test_evaluations_come_by_steps_and_the_best_return_is_kept(corridor: Path) -> None:
    lines = log(corridor)
    assert [line["steps"] for line in lines] == [*range(320, 3_000, 320), 3_000]
    best = load_checkpoint(corridor / "best.npz")[1]["evaluation"]
    assert best["return"]["mean"] == max(line["return"]["mean"] for line in lines) == 0.25
    assert set(best["return"]) == {
        "mean", "std", "min", "quarter", "median", "three_quarters", "max"
    }


def test_the_card_names_the_env_and_what_it_shows(corridor: Path) -> None:
    card, facts = read_card(corridor / "model.onnx"), gymnasium_facts(CORRIDOR)
    assert (card.game, card.layout_hash) == (CORRIDOR, facts.layout_hash)
    assert card.layout["kind"] == "vector" and card.observation_type == "float32"
    assert [field["high"] for field in card.layout["fields"]] == [4, 6, None]
    assert (card.decision.rule, card.decision.safety) == ("greedy", "none")
    assert card.training["config"]["env"] == CORRIDOR and card.training["config"]["gamma"] == 0.99


def test_a_model_of_another_env_is_refused(corridor: Path) -> None:
    with pytest.raises(ModelMismatchError, match="CartPole"):
        judge_env(str(corridor / "model.onnx"), "CartPole-v1", 2, 1)


def test_it_plays_in_a_plain_loop_where_there_is_no_tensorflow(corridor: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import small_envs, numpy as np
from engine_plugin.runtime.policy import load_policy
policy = load_policy({str(corridor / "model.onnx")!r}, game={CORRIDOR!r})
env = small_envs.Corridor()
seen, info = env.reset(seed=1)
ended, paid = False, 0
while not ended:
    action = policy.act(seen.astype(np.float32), info["action_mask"])
    seen, reward, terminated, truncated, info = env.step(action + 3)
    ended, paid = terminated or truncated, paid + reward
assert paid == 0.25, paid
assert not {{"tensorflow", "keras", "fastenv"}} & set(sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                         timeout=120, check=False, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("kind", ("image", "bytes", "screen", "id", "ids", "bits"))
def test_every_kind_of_observation_trains_and_exports(kind: str, tmp_path: Path) -> None:
    env = f"small/Corridor-{kind}-v0"
    result = train(tmp_path / "run", env)
    assert result["steps"] == 640 and result["updates"] == 64
    exported = export_run(tmp_path / "run")
    facts = gymnasium_facts(env)
    policy = load_policy(exported["model"], game=env, layout_hash=facts.layout_hash)
    shown = np.zeros(facts.observation_shape, facts.observation_dtype)
    assert policy.act(shown, np.ones(2, np.uint8)) in (0, 1)
    assert judge_env(exported["model"], env, 3, 1)["length"]["min"] >= 4


def test_normalisation_is_that_of_what_was_played_and_goes_into_the_model(tmp_path: Path) -> None:
    task = open_task(config(tmp_path).resolved())
    run = TrainingRun(config(tmp_path).resolved(), "", task, None)
    seen = []
    while run.steps < 128:
        seen.append(run.world.observations.copy())
        run.play_one_tick()
    shown = np.concatenate(seen)
    for network in (run.learner.network, run.learner.target):
        np.testing.assert_allclose(network.encoder.mean, shown.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(network.encoder.deviation, shown.std(axis=0), rtol=1e-5)
    encoded, _ = run.learner.network.encoder(shown)
    np.testing.assert_allclose(encoded, (shown - shown.mean(axis=0)) / shown.std(axis=0), atol=1e-4)
    # The networks keep it until the steps have doubled, and late in the run for good.
    before = run.learner.network.encoder.mean.numpy()
    run.play_one_tick()
    np.testing.assert_array_equal(run.learner.network.encoder.mean, before)
    run.steps = 400
    run.play_one_tick()
    np.testing.assert_array_equal(run.learner.network.encoder.mean, before)


@pytest.mark.parametrize("memory", ("none", "gru"))
def test_a_resumed_run_is_the_uninterrupted_one(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: the envs are played to where they were."""
    settings: dict[str, Any] = {"memory": memory, "steps": 400, "evaluate_steps": 200,
                                "updates_at_once": 4}
    if memory == "gru":
        settings |= {"sequence": 4, "burn_in": 2, "memory_size": 8}
    train(tmp_path / "whole", **settings)
    save = TrainingRun.save

    def save_and_stop(run: TrainingRun) -> None:
        save(run)
        monkeypatch.setattr(TrainingRun, "save", save)
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingRun, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", **settings)
    train(tmp_path / "parts", resume=True, **settings)
    whole, _ = load_checkpoint(tmp_path / "whole" / "checkpoint.npz")
    parts, _ = load_checkpoint(tmp_path / "parts" / "checkpoint.npz")
    for name, arrays in whole.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, parts[name][key], f"{name}/{key}")


# ------------------------------------------------------------------------------- memory


def test_what_was_shown_once_is_remembered(tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(out, "small/Cue-v0", memory="gru", steps=5_000, sequence=16, burn_in=4, memory_size=16,
          steps_per_update=8, batch_size=256, epsilon_steps=2_000, evaluation_episodes=20,
          updates_at_once=4)
    export_run(out)
    judged = judge_env(str(out / "model.onnx"), "small/Cue-v0", 60, 1)
    assert judged["return"]["mean"] == 1
    # The same model, made to forget at every step, is right half of the time at best.
    policy = load_policy(out / "model.onnx")
    assert policy.recurrent
    from engine_plugin.learn.worlds.gymnasium import EVALUATION, GymnasiumWorld
    from engine_plugin.learn.worlds.returns import play_returns

    def forgetful(observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        policy.reset()
        return policy.act_batch(observations, allowed).astype(np.uint8)

    returns, _ = play_returns(GymnasiumWorld("small/Cue-v0", 60, EVALUATION, 1, once=True),
                              forgetful)
    assert abs(returns.mean()) < 0.5


def test_a_memory_learns_from_the_game_s_reward_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--memory gru"):
        config(tmp_path, memory="gru", reward="style", demos="some.npz").resolved()
    with pytest.raises(ConfigError, match="greedy"):
        config(tmp_path, memory="gru", policy="soft").resolved()


# ------------------------------------------------------------------------------- demonstrations


@pytest.fixture(scope="module")
def demos(corridor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "expert.npz"
    made = record_env(str(corridor / "model.onnx"), CORRIDOR, 3, 0, str(path), force=False)
    assert made["transitions"] == 12 and made["return"]["mean"] == 0.25
    return path


def test_recorded_episodes_hold_what_was_seen_allowed_and_done(demos: Path) -> None:
    facts = gymnasium_facts(CORRIDOR)
    file = load_trajectories(demos, game=CORRIDOR, layout_hash=facts.layout_hash)
    assert [episode.ticks for episode in file.episodes] == [4, 4, 4]
    for episode in file.episodes:
        assert episode.terminated and episode.actions[:, 0].tolist() == [1, 1, 1, 1]
        assert episode.observations is not None and episode.masks is not None
        assert episode.observations[:, 0, 0].tolist() == [0, 1, 2, 3]
        assert episode.masks[:, 0].tolist() == [[0, 1], [1, 1], [1, 1], [1, 1]]


def test_demonstrations_become_transitions(demos: Path, tmp_path: Path) -> None:
    task = open_task(config(tmp_path, demos=str(demos)).resolved())
    shown = task.demonstrations()
    assert shown is not None and shown.player == "model" and not shown.has_rewards
    arrays = shown.transitions.arrays
    assert len(shown.transitions) == 12
    assert arrays["terminated"][:, 0].tolist() == [False, False, False, True] * 3
    assert arrays["next_observations"][:3, 0, 0].tolist() == [1, 2, 3]


def test_an_episode_that_was_cut_ends_one_step_earlier(tmp_path: Path) -> None:
    path = tmp_path / "random.npz"
    record_env("bot:random", CORRIDOR, 12, 4, str(path), force=False)
    file = load_trajectories(path)
    cut = [not episode.terminated for episode in file.episodes]
    assert any(cut) and not all(cut)
    shown = open_task(config(tmp_path, demos=str(path)).resolved()).demonstrations()
    assert shown is not None
    arrays = shown.transitions.arrays
    assert len(shown.transitions) == file.ticks - sum(cut)
    assert arrays["truncated"].sum() == sum(cut)
    # What follows a step is what was seen next.
    ends = arrays["terminated"] | arrays["truncated"]
    going_on = np.flatnonzero(~ends[:-1, 0])
    np.testing.assert_array_equal(arrays["next_observations"][going_on],
                                  arrays["observations"][going_on + 1])


@pytest.mark.parametrize("reward", ("style", "none", "constant"))
def test_it_imitates_without_the_game_s_reward(demos: Path, tmp_path: Path, reward: str) -> None:
    out = tmp_path / "run"
    train(out, reward=reward, demos=str(demos), warm_start=reward == "style")
    lines = log(out)
    assert ("balanced_accuracy" in lines[-1]) == (reward == "style")
    # The game's return is measured, and does not choose: the likeness of the manners does.
    kept = load_checkpoint(out / "best.npz")[1]["evaluation"]
    best = max(line["style"] for line in lines)
    assert kept["style"] == best and kept["style"] <= 1
    assert any(kept == {name: line.get(name) for name in kept} for line in lines)
    assert all(line["score"] == line["style"] for line in lines)
    export_run(out)
    assert judge_env(str(out / "model.onnx"), CORRIDOR, 5, 1)["return"]["mean"] >= -1.5


def test_demonstrations_of_another_env_are_refused(demos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match="CartPole"):
        train(tmp_path / "run", "CartPole-v1", demos=str(demos))
    assert not (tmp_path / "run").exists()


# ------------------------------------------------------------------------------- settings


def test_settings_left_open_follow_the_kind_of_game() -> None:
    ours = PolicyConfig(out="unused", demos="unused").resolved()
    assert (ours.reward, ours.num_envs, ours.safety) == ("style", 128, "survivable")
    assert (ours.minutes, ours.evaluate_steps) == (10, 0)
    theirs = PolicyConfig(out="unused", env="CartPole-v1", steps=1_000).resolved()
    assert (theirs.reward, theirs.policy, theirs.gamma) == ("game", "greedy", 0.99)
    assert (theirs.safety, theirs.minutes, theirs.evaluate_steps) == ("none", 0, 50)
    assert theirs.resolved() == theirs
    assert ours.begins_with_clone and not theirs.begins_with_clone
    imitated = PolicyConfig(out="unused", env="CartPole-v1", demos="unused").resolved()
    assert (imitated.reward, imitated.gamma, imitated.begins_with_clone) == ("style", 0.9, True)
    assert not replace(imitated, warm_start=False).begins_with_clone
    # What is given stays as it is given, whatever the default would have been.
    given = PolicyConfig(out="unused", env="CartPole-v1", num_envs=128, batch_size=512).resolved()
    assert (given.num_envs, given.batch_size, given.minutes) == (128, 512, 10)
    assert [name for name, value in vars(theirs).items() if value is None] == ["demos"]


def test_an_env_that_is_not_there_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="NoSuchEnv"):
        train(tmp_path / "run", "NoSuchEnv-v0")
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_that_takes_longer_than_its_interval_leaves_time_to_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that an evaluation moves by a minute and a tick by a second."""
    now = [0.0]
    monkeypatch.setattr(train_module.time, "monotonic", lambda: now[0])
    evaluate, play = TrainingRun.evaluate, TrainingRun.play_one_tick

    def slowly(self: TrainingRun, *given: Any) -> dict[str, Any]:
        now[0] += 60
        return evaluate(self, *given)

    def one_tick(self: TrainingRun) -> None:
        now[0] += 1
        play(self)

    monkeypatch.setattr(TrainingRun, "evaluate", slowly)
    monkeypatch.setattr(TrainingRun, "play_one_tick", one_tick)
    train(tmp_path / "run", steps=0, minutes=5, evaluate_steps=0, evaluate_every=30.0)
    steps = [line["steps"] for line in read_log(tmp_path / "run" / "log.jsonl")]
    assert len(steps) >= 3 and min(np.diff(steps)) >= 29 * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"opponents": "hunter"}, "--opponents has no effect with --env"),
        ({"levels": "builtin"}, "--levels has no effect with --env"),
        ({"symmetries": 4}, "--symmetries has no effect with --env"),
        ({"encoder": "convolutional"}, "--encoder has no effect with --env"),
        ({"late_reward": 0.5}, "--late-reward has no effect with --env"),
    ],
)
def test_settings_of_other_games_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(tmp_path / "run", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_no_model_has_room_for_is_refused_before_it_is_trained(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="62: use a smaller --width, or let the env show less"):
        train(tmp_path / "run", width=4_200)
    assert list(tmp_path.iterdir()) == []


def test_large_images_make_a_small_buffer() -> None:
    def held(side: int, **changes: Any) -> int:
        image = ForeignField("image", (side, side, 3), 0, 255)
        facts = ForeignGame("frames", ("a", "b"), (image,), "uint8", "image")
        return PolicyConfig(out="", env="frames", **changes).resolved(facts).replay_size

    assert held(10) == 200_000
    assert 1_000 < held(200) <= 2**31 // (2 * 200 * 200 * 3)
    assert held(200, replay_size=50_000) == 50_000, "what is asked for stays"


def test_a_run_that_ends_before_its_warm_up_says_that_nothing_was_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "run", steps=0, minutes=0.002, warm_up=10**9, evaluate_steps=0)
    assert "nothing learned: " in capsys.readouterr().err
    assert log(tmp_path / "run")[-1]["alarms"][0]["name"] == "nothing learned"
    assert "without a single update" in (tmp_path / "run" / "report.html").read_text()


def test_episodes_without_an_end_are_cut_and_the_alarm_says_so(tmp_path: Path) -> None:
    train(tmp_path / "run", max_frames=3)
    lines = log(tmp_path / "run")
    assert [line["cut"] for line in lines] == [4, 4]
    assert lines[-1]["length"]["max"] == 3
    assert [alarm["name"] for alarm in lines[-1]["alarms"]] == ["no end"]
    export_run(tmp_path / "run")
    assert judge_env(str(tmp_path / "run" / "model.onnx"), CORRIDOR, 5, 1, 3)["cut"] == 5


def test_a_crash_in_a_reset_costs_an_episode_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It crashes wherever that episode is begun again."""
    reset, fatal = small_envs.Corridor.reset, episode_seed(TRAINING, 3, 1, 20)

    def crashing(self: Any, *, seed: int | None = None, options: Any = None) -> Any:
        if seed == fatal:
            raise RuntimeError("no such level")
        return reset(self, seed=seed, options=options)

    monkeypatch.setattr(small_envs.Corridor, "reset", crashing)
    with pytest.raises(WorldError, match=r"no such level.*\n.*--resume"):
        train(tmp_path / "run")
    groups, facts = load_checkpoint(tmp_path / "run" / "checkpoint.npz")
    last = (facts["replay_head"] - 1) % len(groups["replay"]["truncated"])
    over = groups["replay"]["truncated"][last] | groups["replay"]["terminated"][last]
    assert over.all(), "what follows does not go on from what was seen last"
    result = train(tmp_path / "run", resume=True)
    assert result["steps"] == 640
