"""The benchmark's report: whole, plausible and JSON; how fast is not a test's matter."""

from __future__ import annotations

import json

import pytest

import fastenv
from engine_plugin.bench import BATCH_SIZES, bench_env
from engine_plugin.errors import ConfigError


def test_the_report_has_every_figure(monkeypatch):
    monkeypatch.setattr("engine_plugin.bench.BATCH_SIZES", (1, 1_024))
    monkeypatch.setattr("engine_plugin.bench.THREADED_SIZE", 256)
    monkeypatch.setattr("engine_plugin.bench.SEQUENCE", 32)
    monkeypatch.setattr("engine_plugin.bench.SAMPLED_STEPS", range(16, 32, 8))
    report = bench_env(seconds=0.01)
    assert json.loads(json.dumps(report)) == report
    assert [each["num_envs"] for each in report["batches"]] == [1, 1_024]
    for each in report["batches"]:
        assert all(each[kind] > 0 for kind in ("random", "survivor", "copies"))
    headline = report["batches"][1]
    assert report["env_steps_per_second"] == min(headline["random"], headline["survivor"])
    assert set(report["decisions_per_second"]) == set(fastenv.scripted_player_names("blast"))
    assert report["survivable_masks_per_second"] > 0
    assert [each["threads"] for each in report["threads"]] == [1, 2]
    assert all(each["env_steps_per_second_of_wall_time"] > 0 for each in report["threads"])
    assert report["observation_bytes"] == fastenv.game_spec("blast").observation_size


def test_the_asked_batch_sizes_are_those_of_the_contract():
    assert BATCH_SIZES == (1, 16, 256, 1_024, 16_384)


def test_wrong_settings_are_refused():
    for seconds in (0, -1, 1e9, float("nan")):
        with pytest.raises(ConfigError, match="seconds"):
            bench_env(seconds=seconds)
    with pytest.raises(fastenv.UnknownGameError):
        bench_env("chess")
