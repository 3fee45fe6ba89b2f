"""Tiny trainings from end to end: what a run leaves behind, going on, and the exported model."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("tf2onnx")

import tensorflow as tf

import fastenv
from engine_plugin.card import read_card
from engine_plugin.errors import (
    ConfigError,
    ModelBrokenError,
    ModelMissingError,
    OutputExistsError,
    ParityError,
    TrajectoryError,
)
from engine_plugin.export import policy as policy_export
from engine_plugin.export.run import export_run
from engine_plugin.learn import replacing
from engine_plugin.learn.checkpoint import arrays_to_variables, load_checkpoint
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import FORBIDDEN, allowed_only
from engine_plugin.learn.networks import DQN
from engine_plugin.learn.record import record_scripted
from engine_plugin.learn.train import RUN_FILES, WATCHED, TrainingRun, train_policy
from engine_plugin.learn.worlds.matches import MatchTask
from engine_plugin.runtime.policy import load_policy
from engine_plugin.trajectory import TrajectoryFile, load_trajectories
from tests.one_thread import tensorflow_threads

SPEC = fastenv.game_spec("blast")
STEPS = 320
TINY: dict[str, Any] = {
    "reward": "style", "style_form": "advantage", "policy": "soft", "gamma": 0.9, "n_step": 1,
    "temperature": 1.0, "play_temperature": 0.5, "style_weight": 1.0, "game_weight": 1.0,
    "minutes": 500.0, "steps": STEPS, "seed": 3, "opponents": "survivor,hunter",
    "levels": "builtin", "num_envs": 16, "batch_size": 32, "demo_share": 0.25,
    "steps_per_update": 32, "warm_up": 128, "replay_size": 320, "width": 16, "window": 5,
    "discriminator_window": 5, "discriminator_width": 16, "clone_updates": 8,
    "evaluate_every": 1e6, "evaluation_episodes": 2, "safety": "survivable",
    "select": "auto", "encoder": "dense", "symmetries": 8, "gradient_penalty": 0.0,
    "discriminator_dropout": 0.1, "margin": 0.0, "clone_weight": 0.0, "warm_start": False,
}


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, its settings and what `train_policy` returned."""

    out: Path
    settings: dict[str, Any]
    result: dict[str, Any]

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "log.jsonl").read_text().splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        recorded: dict[str, Any] = json.loads((self.out / "run.json").read_text())
        return recorded


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "hunter.npz"
    levels = fastenv.builtin_levels(SPEC, 0, 8)
    record_scripted(SPEC, "hunter", ("survivor",), 300, 0, levels, path)
    return path


def settings(out: Path, demos: Path | None, **changes: Any) -> dict[str, Any]:
    threads = tensorflow_threads()
    shown = None if demos is None else str(demos)
    return {**TINY, "threads": threads, "out": str(out), "demos": shown, **changes}


def train(out: Path, demos: Path | None, **changes: Any) -> Run:
    values = settings(out, demos, **changes)
    return Run(out, values, train_policy(PolicyConfig(**values), "engine-plugin train policy"))


@pytest.fixture(scope="session")
def style(tmp_path_factory: pytest.TempPathFactory, demos: Path) -> Run:
    return train(tmp_path_factory.mktemp("style") / "deep" / "run", demos)


SELF_PLAY: dict[str, Any] = {
    "reward": "game", "policy": "soft", "temperature": 0.02, "opponents": "idle,blast/medium,self",
    "pool_size": 2, "snapshot_every": 96, "warm_start": False,
}  # fmt: skip


@pytest.fixture(scope="session")
def self_play(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("self") / "run", None, **SELF_PLAY)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_leaves_its_record_its_log_and_two_checkpoints(style: Run) -> None:
    left = {name.split("/")[0] for name in files(style.out)}
    assert left == {"best.npz", "checkpoint.npz", "checkpoint.previous.npz", "log.jsonl",
                    "report.html", "run.json", "tensorboard"}
    record = style.record
    assert record["command"] == "engine-plugin train policy" and record["seed"] == 3
    assert record["config"] == style.settings | {
        key: value for key, value in record["config"].items() if key not in style.settings
    }
    assert set(record["config"]) == set(PolicyConfig.__dataclass_fields__)
    assert {"tensorflow", "keras", "numpy", "python"} <= set(record["versions"])
    report = {"report": str(style.out / "report.html")}
    assert record["result"] | report == style.result
    assert style.result["steps"] == STEPS and style.result["in_words"].startswith("style ")
    # An update for every 32 steps after the warm-up of 128.
    assert style.result["updates"] == (STEPS - 128) // 32
    line = style.log[-1]
    # What is about the training and not about the model stays in the log.
    assert style.result["evaluation"] == {
        key: value for key, value in line.items() if key not in WATCHED
    }
    assert {"seconds", "steps", "updates", "temporal_difference_loss", "mean_value", "mean_reward",
            "discriminator_loss", "balanced_accuracy", "logit_demonstrations", "logit_agent",
            "against", "profile", "strength", "style", "episode_ticks", "score", "decisions",
            "discriminator", "style_reward", "alarms"} == set(line)
    assert line["score"] == line["style"]
    # Style is judged against the demonstrator's opponents, not one's own.
    assert list(line["against"]) == ["survivor"]
    assert line["against"]["survivor"]["episodes"] == TINY["evaluation_episodes"]
    assert set(line["profile"]) == {name for name, _, _ in SPEC.profile}
    assert np.isfinite([value for value in line.values() if isinstance(value, float)]).all()


def without_times(run: Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in run.log]


def test_the_same_seed_and_steps_give_the_same_run(
    style: Run, demos: Path, tmp_path: Path
) -> None:
    again = train(tmp_path / "run", demos)
    assert without_times(again) == without_times(style)
    ours, theirs = (load_checkpoint(run.out / "best.npz")[0]["target"] for run in (style, again))
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])


def test_a_run_in_the_way_is_refused_and_untouched(style: Run, demos: Path) -> None:
    before = files(style.out)
    with pytest.raises(OutputExistsError, match="--force"):
        train(style.out, demos)
    assert files(style.out) == before


def test_resuming_goes_on_where_the_checkpoint_was(
    style: Run, demos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(style.out, out)
    resumed = train(out, demos, resume=True, steps=STEPS + 64)
    assert [line["steps"] for line in resumed.log] == [STEPS, STEPS + 64]
    assert resumed.result["updates"] == style.result["updates"] + 2
    _, facts = load_checkpoint(out / "checkpoint.npz")
    assert facts["steps"] == STEPS + 64 and facts["seconds"] > 0
    assert facts["replay_filled"] == 20 and facts["replay_head"] == (STEPS + 64) // 16 % 20
    # Nothing left to do: steps and weights stay.
    again = train(out, demos, resume=True, steps=STEPS + 64)
    assert again.result["steps"] == STEPS + 64


def restored(run: Run) -> TrainingRun:
    config = PolicyConfig(**{**run.settings, "resume": True}).resolved()
    task = MatchTask(config)
    return TrainingRun(config, "", task, task.demonstrations())


@pytest.mark.parametrize("kind", ("style", "self_play"))
def test_a_checkpoint_holds_everything(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Saved, put back and saved again it is the same, and so is the next tick that is played."""
    run: Run = request.getfixturevalue(kind)
    first, second = restored(run), restored(run)
    first.resume()
    second.resume()
    second.out = tmp_path
    second.save()
    groups, facts = load_checkpoint(run.out / "checkpoint.npz")
    again, facts_again = load_checkpoint(tmp_path / "checkpoint.npz")
    assert facts == facts_again and groups.keys() == again.keys()
    for name, arrays in groups.items():
        assert arrays.keys() == again[name].keys()
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, again[name][key], err_msg=f"{name}/{key}")
    for restored_run in (first, second):
        restored_run.play_one_tick()
    for name, array in first.replay.arrays.items():
        np.testing.assert_array_equal(array, second.replay.arrays[name])
    assert first.replay.head == second.replay.head


def test_self_play_is_logged_and_judged_against_the_others(self_play: Run) -> None:
    line = self_play.log[-1]
    assert list(line["pool"]) == ["idle", "blast/medium", "self"]
    assert sum(row["share"] for row in line["pool"].values()) == pytest.approx(1, abs=1e-3)
    # 320 steps, one policy at the start and one every 96; two are kept.
    assert line["pool"]["self"]["taken"][0] == 0 and len(line["pool"]["self"]["taken"]) == 2
    assert line["pool"]["self"]["taken"][1] in (192, 288)
    assert list(line["against"]) == ["idle", "blast/medium"]


def test_self_play_is_the_same_for_the_same_seed(self_play: Run, tmp_path: Path) -> None:
    again = train(tmp_path / "run", None, **SELF_PLAY)
    assert without_times(again) == without_times(self_play)


def test_self_play_goes_on_from_its_checkpoint(self_play: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(self_play.out, out)
    resumed = train(out, None, **SELF_PLAY, resume=True, steps=STEPS + 96)
    assert resumed.log[-1]["steps"] == STEPS + 96
    taken = resumed.log[-1]["pool"]["self"]["taken"]
    assert taken[0] == 0 and taken[1] > self_play.log[-1]["pool"]["self"]["taken"][1]
    with pytest.raises(ConfigError, match="opponent pool"):
        train(out, None, **{**SELF_PLAY, "opponents": "hunter,self"}, resume=True)


def test_self_play_is_exported_without_the_models_it_met(self_play: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(self_play.out, out)
    record = json.loads((out / "run.json").read_text())
    record["config"]["opponents"] = "gone/away.onnx,self"
    (out / "run.json").write_text(json.dumps(record))
    export_run(out)
    assert load_policy(out / "model.onnx").card.decision.rule == "softmax"


def test_self_alone_is_judged_by_the_survivor(tmp_path: Path) -> None:
    run = train(tmp_path / "run", None, **{**SELF_PLAY, "opponents": "self"}, steps=64, warm_up=32)
    assert list(run.log[-1]["against"]) == ["survivor"]
    assert run.log[-1]["pool"]["self"]["share"] == 1


def test_frozen_policies_are_the_network_that_would_be_exported(self_play: Run) -> None:
    """The one frozen just now decides like the averaged weights, by the model's own rule."""
    run = restored(self_play)
    run.resume()
    pool = run.world.pool  # type: ignore[attr-defined]
    pool.due = run.world.pool.steps  # type: ignore[attr-defined]
    run.play_one_tick()
    newest = max(pool.members, key=lambda member: member.number)
    slot = pool.members.index(newest) - pool.named
    observations = run.world.observations
    values = pool.frozen.values(np.full(len(observations), slot), observations)
    np.testing.assert_allclose(values, run.learner.target(observations).numpy(), atol=1e-5)
    assert pool.temperature == run.config.play_temperature


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"width": 24}, "another network"), ({"replay_size": 160}, "another size")],
)
def test_resuming_with_other_settings_is_refused(
    style: Run, demos: Path, changes: dict[str, Any], message: str
) -> None:
    before = files(style.out)
    with pytest.raises(ConfigError, match=message):
        train(style.out, demos, resume=True, **changes)
    assert files(style.out) == before


def test_resuming_nothing_is_refused(demos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to resume"):
        train(tmp_path / "run", demos, resume=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", (0, 3000))
def test_truncated_checkpoints_are_refused(
    style: Run, demos: Path, tmp_path: Path, kept: int
) -> None:
    out = tmp_path / "run"
    shutil.copytree(style.out, out)
    for name in ("checkpoint.npz", "checkpoint.previous.npz", "best.npz"):
        (out / name).write_bytes((out / name).read_bytes()[:kept])
    before = files(out)
    with pytest.raises(ConfigError, match=r"damaged.*--force"):
        train(out, demos, resume=True)
    with pytest.raises(ConfigError, match=r"damaged.*--latest"):
        export_run(out)
    assert files(out) == before


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"demos": None}, ConfigError, "--demos"),
        ({"demos": "none.npz"}, TrajectoryError, r"none\.npz"),
        ({"game": "chess"}, fastenv.UnknownGameError, "chess"),
        ({"opponents": "hunter,nobody"}, fastenv.UnknownGameError, "nobody"),
        ({"gamma": 1.0}, ConfigError, "gamma"),
        ({"minutes": 0.0, "steps": 0}, ConfigError, "minutes"),
        ({"window": 4}, ConfigError, "odd"),
        ({"symmetries": 3}, ConfigError, "symmetries"),
        ({"demo_share": 1.0}, ConfigError, "demo_share"),
        ({"temperature": -1.0}, ConfigError, "temperature"),
        ({"policy": "greedy"}, ConfigError, "advantage"),
        ({"levels": "nowhere"}, ModelMissingError, "nowhere"),
        ({"steps": 128}, ConfigError, "warm-up of 128"),
        ({"replay_size": 10**12}, ConfigError, "--replay-size [0-9]+ or less"),
        ({"seat": "left"}, ConfigError, "--seat has no effect without --loop"),
        ({"max_frames": 90}, ConfigError, "--max-frames has no effect without --env or --loop"),
        ({"memory_size": 9}, ConfigError, "--memory-size has no effect without --memory gru"),
        ({"pool_size": 3}, ConfigError, "--pool-size has no effect without self"),
    ],
)
def test_settings_that_cannot_work_write_nothing(
    demos: Path, tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    values = settings(tmp_path / "run", demos) | changes
    with pytest.raises(error, match=message):
        train_policy(PolicyConfig(**values))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": -1}, {"opponents": ","}, {"steps_per_update": 0}, {"num_envs": 0}, {"n_step": -1},
        {"batch_size": 1}, {"evaluation_episodes": 0}, {"width": 0},
        {"target_tau": 2.0}, {"epsilon": -0.5}, {"learning_rate": -1.0},
        {"play_temperature": -1.0}, {"minutes": math.nan}, {"evaluate_every": -1.0},
        {"gradient_penalty": math.nan},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settings_out_of_range_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(changes))):
        PolicyConfig(**settings(Path("unused"), Path("unused")) | changes).resolved()


def test_settings_left_open_are_resolved_by_the_kind_of_reward() -> None:
    for reward in ("style", "game", "mix", "constant", "none"):
        config = PolicyConfig(out="unused", demos="unused", reward=reward)  # type: ignore[arg-type]
        resolved = config.resolved()
        assert 0 < resolved.gamma < 1 and resolved.n_step >= 1 and resolved.temperature > 0
        assert resolved.policy in ("soft", "greedy") and resolved.play_temperature > 0
        assert resolved.resolved() == resolved
    given = PolicyConfig(out="unused", reward="game", gamma=0.5, n_step=7, policy="soft")
    assert (given.resolved().gamma, given.resolved().n_step) == (0.5, 7)
    assert given.resolved().policy == "soft"


# ---------------------------------------------------------------------------- other rewards


def test_the_game_s_reward_alone_needs_no_demonstrations(tmp_path: Path) -> None:
    run = train(tmp_path / "run", None, reward="game", policy="greedy", n_step=3,
                encoder="convolutional", safety="none", opponents="idle,miner")
    line = run.log[-1]
    assert "style" not in line and "balanced_accuracy" not in line
    assert list(line["against"]) == ["idle", "miner"]
    assert "discriminator" not in load_checkpoint(run.out / "checkpoint.npz")[0]
    card = read_card(export_run(run.out)["model"])
    assert (card.decision.rule, card.decision.safety) == ("greedy", "none")
    summaries = line["against"].values()
    assert all(row["wins"] + row["losses"] + row["draws"] == 2 for row in summaries)


def test_both_rewards_mix_from_a_warm_start(demos: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", demos, reward="mix", style_form="neutral", policy="greedy",
                n_step=3, margin=0.5, clone_weight=0.1, gradient_penalty=0.1, warm_start=True,
                select="style", steps=192)
    assert [line.get("phase") for line in run.log] == ["clone", None]
    assert run.log[-1]["balanced_accuracy"] >= 0 and "style" in run.log[-1]
    scores = [line["style"] for line in run.log]
    best = load_checkpoint(run.out / "best.npz")[1]["evaluation"]
    # The best is kept, the later of equals.
    kept = run.log[max(range(2), key=lambda index: (scores[index], index))]
    assert (best["steps"], best["style"]) == (kept["steps"], kept["style"])
    assert run.result["evaluation"] == best


def test_the_control_is_paid_one_a_step(demos: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", demos, reward="constant", steps=192)
    assert run.log[-1]["mean_reward"] == 1.0 and "style" in run.log[-1]
    assert "discriminator_loss" not in run.log[-1]


@pytest.fixture(scope="session")
def cloned(tmp_path_factory: pytest.TempPathFactory, demos: Path) -> Run:
    return train(tmp_path_factory.mktemp("cloned") / "run", demos, reward="none",
                 evaluation_episodes=3)


def test_cloning_alone_plays_no_training_steps(cloned: Run) -> None:
    assert [(line["phase"], line["steps"]) for line in cloned.log] == [("clone", 0)]
    assert cloned.result["steps"] == cloned.result["updates"] == 0
    assert cloned.result["evaluation"]["style"] == cloned.log[0]["style"]


def test_a_cloned_run_s_latest_is_its_clone(cloned: Run, tmp_path: Path) -> None:
    observations, masks = some_play()
    values = []
    for name in ("best", "latest"):
        path = tmp_path / f"{name}.onnx"
        export_run(cloned.out, path, latest=name == "latest")
        values.append(load_policy(path).q_values(observations, masks))
    np.testing.assert_array_equal(*values)


# ---------------------------------------------------------------------------- export


def network_of(run: Run, checkpoint: str) -> DQN:
    """The averaged weights of a checkpoint, put into a network by hand."""
    config = PolicyConfig(**run.record["config"])
    network = DQN(SPEC, config)
    network(tf.zeros([1, SPEC.observation_size], tf.uint8))
    groups, _ = load_checkpoint(run.out / checkpoint)
    arrays_to_variables(groups["target"], network.variables, "network")
    return network


def some_play() -> tuple[np.ndarray, np.ndarray]:
    batch = fastenv.make_batch("blast", 16, seed=5)
    bots = [fastenv.make_bot("hunter"), fastenv.make_bot("survivor")]
    observations, masks = [], []
    for _ in range(20):
        batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
        observations.append(batch.observations[:, 0].copy())
        masks.append(batch.legal_mask[:, 0].copy())
    return np.concatenate(observations), np.concatenate(masks)


@pytest.fixture(scope="session")
def exported(style: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("models")
    return {name: export_run(style.out, folder / f"{name}.onnx", latest=name == "latest")
            for name in ("best", "latest")}


@pytest.mark.parametrize("name", ("best", "latest"))
def test_the_model_decides_as_tensorflow_does(
    style: Run, exported: dict[str, Any], name: str
) -> None:
    report = exported[name]
    assert report["bytes"] == Path(report["model"]).stat().st_size
    assert report["largest_difference"] <= 1e-4 and report["compared_observations"] > 1000
    policy = load_policy(report["model"], game="blast", layout_hash=SPEC.layout_hash)
    observations, masks = some_play()
    network = network_of(style, "best.npz" if name == "best" else "checkpoint.npz")
    theirs = allowed_only(network(observations), masks).numpy()
    ours = policy.q_values(observations, masks)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_array_equal(ours == FORBIDDEN, masks == 0)


def test_the_card_says_what_was_trained_how_and_how_it_decides(
    style: Run, exported: dict[str, Any]
) -> None:
    card = read_card(exported["best"]["model"])
    assert (card.kind, card.game, card.actions) == ("policy", "blast", SPEC.actions)
    assert card.layout_hash == SPEC.layout_hash
    assert card.name == Path(exported["best"]["model"]).stem
    decision = card.decision
    assert (decision.rule, decision.temperature, decision.safety) == ("softmax", 0.5, "survivable")
    assert card.training["command"] == "engine-plugin train policy"
    assert card.training["config"] == style.record["config"]
    assert card.training["steps"] == STEPS
    assert card.evaluation == style.result["evaluation"]


def test_a_model_in_the_way_is_refused(style: Run, exported: dict[str, Any]) -> None:
    path = Path(exported["best"]["model"])
    before = path.read_bytes()
    with pytest.raises(OutputExistsError):
        export_run(style.out, path, latest=True)
    assert path.read_bytes() == before
    export_run(style.out, path, force=True)


def test_an_easier_model_says_so_and_takes_no_evaluation_with_it(
    style: Run, tmp_path: Path
) -> None:
    export_run(style.out, tmp_path / "easy.onnx", temperature=2.0)
    card = load_policy(tmp_path / "easy.onnx").card
    assert card.decision.temperature == 2.0 and card.evaluation == {}
    assert card.decision.safety == "survivable"
    export_run(style.out, tmp_path / "careful.onnx", safety="cautious")
    card = load_policy(tmp_path / "careful.onnx").card
    assert card.decision.safety == "cautious" and card.evaluation == {}
    with pytest.raises(ConfigError, match="temperature"):
        export_run(style.out, tmp_path / "none.onnx", temperature=-1.0)
    assert not (tmp_path / "none.onnx").exists()


@pytest.mark.parametrize("damage", ("value", "nan"))
def test_a_model_that_differs_is_not_written(
    style: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """The converter gets other weights than the network that the model is compared with."""
    true = policy_export._to_onnx

    def other(network: DQN, *arguments: Any) -> bytes:
        bias = network.value.trainable_variables[-1]
        before = bias.numpy()
        bias.assign(before + (0.001 if damage == "value" else np.nan))
        try:
            return true(network, *arguments)
        finally:
            bias.assign(before)

    monkeypatch.setattr(policy_export, "_to_onnx", other)
    # The runtime refuses NaN before anything is compared.
    with pytest.raises(ParityError if damage == "value" else ModelBrokenError):
        export_run(style.out, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_run_is_refused(style: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"run\.json"):
        export_run(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"run\.json"):
        export_run(tmp_path)
    # Settings of another network than the stored weights'.
    record = style.record
    record["config"]["window"] = 7
    (tmp_path / "run.json").write_text(json.dumps(record))
    shutil.copy(style.out / "best.npz", tmp_path)
    with pytest.raises(ConfigError, match="another network"):
        export_run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.npz", "run.json"]


def test_forcing_a_cloned_run_over_another_leaves_nothing_of_it(
    style: Run, demos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(style.out, out)
    train(out, demos, reward="none", force=True, clone_updates=4)
    assert load_checkpoint(out / "checkpoint.npz")[1]["steps"] == 0
    assert not (out / ".replaced").exists() and not (out / "model.onnx").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("killed", (False, True))
def test_a_run_that_is_replaced_stays_until_the_new_one_has_something_to_keep(
    style: Run, demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Stopped while cloning, or killed: then whoever comes next finds the old run again."""
    out = tmp_path / "run"
    shutil.copytree(style.out, out)
    (out / "notes.txt").write_text("mine")
    before = contents(out)

    def stopped(run: TrainingRun) -> None:
        assert not (out / "checkpoint.npz").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingRun, "clone", stopped)
    if killed:
        monkeypatch.setattr(replacing, "put_back", lambda folder, names: None)
    with pytest.raises(KeyboardInterrupt):
        train(out, demos, reward="none", force=True, clone_updates=4)
    monkeypatch.undo()
    if killed:
        assert contents(out) != before
        replacing.put_back(out, RUN_FILES)
    assert contents(out) == before


def test_a_first_run_that_is_stopped_while_cloning_is_in_nobody_s_way(
    demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(run: TrainingRun) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingRun, "clone", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", demos, reward="none", clone_updates=4)
    monkeypatch.undo()
    train(tmp_path / "run", demos, reward="none", clone_updates=4)


def test_a_seed_may_be_as_large_as_a_clock(demos: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", demos, seed=2**63 - 1, reward="none", clone_updates=4)
    assert run.log[-1]["phase"] == "clone"


def test_a_person_s_recorded_episodes_give_a_style_score_while_training(
    demos: Path, tmp_path: Path
) -> None:
    file = load_trajectories(demos)
    own = tmp_path / "own.npz"
    header = replace(file.header, players=("keyboard", "survivor"))
    TrajectoryFile(header, file.episodes).save_npz(own)
    run = train(tmp_path / "run", own, reward="none", clone_updates=4)
    assert np.isfinite(run.log[-1]["style"])
