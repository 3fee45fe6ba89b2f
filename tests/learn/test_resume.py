"""A run that is killed, stopped or runs away: what is left of it, and how it goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")


import fastenv
from engine_plugin.errors import TrainingDivergedError
from engine_plugin.learn import train as train_module
from engine_plugin.learn.checkpoint import CHECKPOINT, PREVIOUS, load_checkpoint
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.log import read_log
from engine_plugin.learn.record import record_scripted
from engine_plugin.learn.train import TrainingRun, train_policy
from tests.one_thread import tensorflow_threads

SPEC = fastenv.game_spec("blast")
EVERY, STEPS = 256, 1_024
ROOT = Path(__file__).parents[2]
LEARN = """
import json, sys
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.train import train_policy
try:
    train_policy(PolicyConfig(**json.loads(sys.argv[1])))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "hunter.npz"
    levels = fastenv.builtin_levels(SPEC, 0, 8)
    record_scripted(SPEC, "hunter", ("survivor",), 800, 0, levels, path)
    return path


def settings(out: Path, demos: Path, **changes: Any) -> dict[str, Any]:
    return {
        "out": str(out), "demos": str(demos), "reward": "style", "levels": "builtin",
        "opponents": "survivor", "steps": STEPS, "evaluate_steps": EVERY, "seed": 5,
        "num_envs": 16, "batch_size": 32, "steps_per_update": 32, "warm_up": 128, "width": 16,
        "replay_size": 2_000, "discriminator_width": 16, "window": 5, "discriminator_window": 5,
        "evaluation_episodes": 1, "warm_start": False,
        "threads": tensorflow_threads(), **changes,
    }  # fmt: skip


def train(out: Path, demos: Path, **changes: Any) -> dict[str, Any]:
    return train_policy(PolicyConfig(**settings(out, demos, **changes)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, demos: Path) -> Path:
    """A run without a stop."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train(out, demos)
    return out


def without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = ("seconds", "due_seconds")
        return {key: without_clocks(part) for key, part in value.items() if key not in left_out}
    return value


def assert_the_same(one: Path, other: Path) -> None:
    """Every array byte for byte, every fact and every line of the log."""
    for name in (CHECKPOINT, "best.npz"):
        ours, facts = load_checkpoint(one / name)
        theirs, other_facts = load_checkpoint(other / name)
        assert without_clocks(facts) == without_clocks(other_facts)
        assert ours.keys() == theirs.keys()
        for group, arrays in ours.items():
            assert arrays.keys() == theirs[group].keys()
            for key, array in arrays.items():
                assert array.dtype == theirs[group][key].dtype
                assert array.tobytes() == theirs[group][key].tobytes(), f"{group}/{key}"
    logs = [[without_clocks(line) for line in read_log(run / "log.jsonl")] for run in (one, other)]
    assert logs[0] == logs[1]


def in_a_process(values: dict[str, Any], stop_with: signal.Signals, evaluations: int) -> int:
    """Train in a fresh process, send it a signal after so many evaluations; its exit status."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEARN, json.dumps(values)], stderr=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    log = Path(values["out"]) / "log.jsonl"
    deadline = time.monotonic() + 900  # only so that a fault does not hang the tests for ever
    while len(read_log(log)) < evaluations and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(stop_with)
    return process.wait(timeout=900)


def test_killed_and_resumed_is_the_run_that_was_never_killed(
    whole: Path, demos: Path, tmp_path: Path
) -> None:
    values = settings(tmp_path / "run", demos)
    assert in_a_process(values, signal.SIGKILL, 2) == -signal.SIGKILL
    reached = load_checkpoint(tmp_path / "run" / CHECKPOINT)[1]["steps"]
    assert EVERY <= reached < STEPS, "killed in the middle, at most one interval lost"
    (tmp_path / "run" / f".{CHECKPOINT}.0badcafe.tmp").write_bytes(b"torn")
    train(tmp_path / "run", demos, resume=True)
    assert_the_same(whole, tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*.tmp"))


def test_stopped_by_hand_between_two_evaluations_it_goes_on_alike(
    whole: Path, demos: Path, tmp_path: Path
) -> None:
    values = settings(tmp_path / "run", demos)
    assert in_a_process(values, signal.SIGINT, 2) == 130
    facts = load_checkpoint(tmp_path / "run" / CHECKPOINT)[1]
    assert facts["steps"] > EVERY and (tmp_path / "run" / "report.html").exists()
    train(tmp_path / "run", demos, resume=True)
    assert_the_same(whole, tmp_path / "run")


def test_saved_in_the_middle_of_an_interval_it_goes_on_alike(
    whole: Path, demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, middle = tmp_path / "run", EVERY + 96
    tick = TrainingRun.play_one_tick

    def cut_off(run: TrainingRun) -> None:
        if run.steps == middle:
            run.save()
            raise RuntimeError("cut off")
        tick(run)

    monkeypatch.setattr(TrainingRun, "play_one_tick", cut_off)
    with pytest.raises(RuntimeError, match="cut off"):
        train(out, demos)
    monkeypatch.undo()
    facts = load_checkpoint(out / CHECKPOINT)[1]
    assert facts["steps"] == middle and facts["interval"]["balanced_accuracy"][1] > 0
    train(out, demos, resume=True)
    assert_the_same(whole, out)


def test_a_damaged_checkpoint_costs_an_interval_and_nothing_else(
    whole: Path, demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    (out / CHECKPOINT).write_bytes((out / CHECKPOINT).read_bytes()[:-1000])
    before = load_checkpoint(out / PREVIOUS)[1]["steps"]
    train(out, demos, resume=True)
    said = capsys.readouterr().err
    assert "damaged" in said and f"going on from the one before it, at step {before:,}" in said
    assert_the_same(whole, out)


def test_with_other_threads_it_goes_on_and_says_what_that_means(
    whole: Path, demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    monkeypatch.setattr(TrainingRun, "made_with", {"TensorFlow": "9.9", "threads": 64})
    train(out, demos, resume=True)
    assert "will not be bit for bit" in capsys.readouterr().err


def test_lost_best_weights_are_missed_and_made_again(
    whole: Path, demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    (out / "best.npz").write_bytes(b"PK")
    train(out, demos, resume=True, steps=STEPS + EVERY)
    assert "the next evaluation counts as the best" in capsys.readouterr().err
    assert load_checkpoint(out / "best.npz")[1]["evaluation"]["steps"] == STEPS + EVERY


def test_a_run_that_runs_away_stops_and_keeps_what_is_good(
    whole: Path, demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, spoiled_at = tmp_path / "run", 2 * EVERY + 64
    tick = TrainingRun.play_one_tick

    def spoil(run: TrainingRun) -> None:
        tick(run)
        if run.steps == spoiled_at:
            head = run.learner.network.value.kernel
            head.assign(np.full(head.shape, np.nan))

    monkeypatch.setattr(TrainingRun, "play_one_tick", spoil)
    with pytest.raises(TrainingDivergedError, match="--learning-rate"):
        train(out, demos)
    for name in (CHECKPOINT, "best.npz"):
        groups, _ = load_checkpoint(out / name)
        assert all(np.isfinite(array).all() for array in groups["target"].values())
    assert load_checkpoint(out / CHECKPOINT)[1]["steps"] == 2 * EVERY
    last = read_log(out / "log.jsonl")[-1]
    assert [alarm["name"] for alarm in last["alarms"]] == ["not a number"]
    assert "NaN or infinity in the " in (out / "report.html").read_text()
    # Nothing bad is on disk: from its checkpoint it is the run that it would have been.
    monkeypatch.undo()
    train(out, demos, resume=True)
    assert_the_same(whole, out)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_evaluation_that_is_given_up_is_made_when_the_run_goes_on(
    whole: Path, demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, tally = tmp_path / "run", train_module.DecisionTally
    decisions: list[int] = []

    class StopsAtTheThird(tally):  # type: ignore[misc,valid-type]
        def note(self, *decided: Any) -> None:
            super().note(*decided)
            decisions.append(1)
            if len(decisions) == 3:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train_module, "DecisionTally", StopsAtTheThird)
    with pytest.raises(KeyboardInterrupt):
        train(out, demos)
    assert len(decisions) == 3 and read_log(out / "log.jsonl") == []
    assert load_checkpoint(out / CHECKPOINT)[1]["steps"] == EVERY
    monkeypatch.undo()
    train(out, demos, resume=True)
    assert_the_same(whole, out)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_second_signal_stops_at_once() -> None:
    from engine_plugin.learn.stopping import StopRequest

    handler = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        assert not stop.asked
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    assert signal.getsignal(signal.SIGINT) is handler
