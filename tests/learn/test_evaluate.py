"""Strength and style: counts that add up, and a style scale that is pinned at both ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError, ModelMissingError, TrajectoryError
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.demonstrations import recorded_statistics
from engine_plugin.learn.evaluate import (
    ScriptedPolicy,
    StyleYardstick,
    play_episodes,
    profile,
    profile_spread,
    strength,
    style_distance,
    summary,
)
from engine_plugin.learn.intervals import wilson
from engine_plugin.learn.judge import judge_model
from engine_plugin.learn.record import record_scripted
from engine_plugin.tables import describe_evaluation
from engine_plugin.trajectory import TrajectoryFile, load_trajectories

SPEC = fastenv.game_spec("blast")
LEVELS = fastenv.builtin_levels(SPEC, 9, 8)
OPPONENTS = ("survivor", "hunter")
EPISODES = 6
COLUMN = {name: index for index, name in enumerate(SPEC.statistics)}


def played(name: str, seed: int = 3, opponents: tuple[str, ...] = OPPONENTS):
    return play_episodes(
        SPEC, ScriptedPolicy(name), opponents, EPISODES, seed, LEVELS, "survivable"
    )


@pytest.fixture(scope="module")
def of_hunter() -> dict[str, np.ndarray]:
    return played("hunter")


def test_every_opponent_has_its_episodes(of_hunter: dict[str, np.ndarray]) -> None:
    assert list(of_hunter) == list(OPPONENTS)
    for rows in of_hunter.values():
        assert rows.shape == (EPISODES, len(SPEC.statistics)) and rows.dtype == np.int32
        assert (rows[:, COLUMN["ticks"]] > 0).all()
        assert (rows[:, COLUMN["wins"]] + rows[:, COLUMN["losses"]] <= 1).all()
        assert (rows[:, COLUMN["early_wins"]] <= rows[:, COLUMN["wins"]]).all()


def test_equal_seeds_give_equal_results_and_others_do_not(
    of_hunter: dict[str, np.ndarray],
) -> None:
    again, other = played("hunter"), played("hunter", seed=4)
    for name in OPPONENTS:
        np.testing.assert_array_equal(of_hunter[name], again[name])
    assert any((of_hunter[name] != other[name]).any() for name in OPPONENTS)


def test_one_episode_of_each_env_counts_whatever_comes_after() -> None:
    """What `play_episodes` keeps is the first ending of every row, noted here by hand."""
    arena = Arena("blast", ("idle",), EPISODES, 3, LEVELS, "survivable")
    bots = [fastenv.make_bot("hunter") for _ in arena.groups]
    first: dict[int, np.ndarray] = {}
    actions = np.zeros(EPISODES, np.uint8)
    while len(first) < EPISODES:
        for bot, group in zip(bots, arena.groups, strict=True):
            actions[group.rows] = bot.act(group.batch, group.seat)
        arena.step(actions)
        for row in np.flatnonzero(arena.terminated | arena.truncated):
            first.setdefault(int(row), arena.final_statistics[row].copy())
    kept = played("hunter", opponents=("idle",))["idle"]
    np.testing.assert_array_equal(kept, [first[row] for row in range(EPISODES)])


def test_half_of_the_episodes_are_played_in_each_seat() -> None:
    arena = Arena("blast", OPPONENTS, 2 * EPISODES, 0, LEVELS)
    seats = {(group.opponent.name, group.seat): group.batch.num_envs for group in arena.groups}
    assert seats == {(name, seat): EPISODES // 2 for name in OPPONENTS for seat in (0, 1)}
    assert [group.rows for group in arena.groups] == [slice(i, i + 3) for i in (0, 3, 6, 9)]


def test_a_policy_is_asked_with_the_actions_of_its_safety() -> None:
    self_kills = {}
    for safety in ("survivable", "none"):
        random = np.random.default_rng(0)

        def decide(
            observations: np.ndarray, allowed: np.ndarray, random: np.random.Generator = random
        ) -> np.ndarray:
            assert observations.shape == (16, SPEC.observation_size)
            assert allowed.any(axis=1).all()
            return (random.random(allowed.shape) * allowed).argmax(axis=1)

        rows = play_episodes(SPEC, decide, ("idle", "survivor"), 8, 1, LEVELS, safety)
        self_kills[safety] = sum(
            int(part[:, COLUMN["self_kills"]].sum()) for part in rows.values()
        )
    # Random play mostly blows itself up, unless it avoids what cannot be survived.
    assert self_kills["none"] >= 12 > 4 >= self_kills["survivable"]


def test_profile_is_sums_over_ticks_and_spread_is_over_episodes() -> None:
    statistics = np.zeros((2, len(SPEC.statistics)), np.int32)
    statistics[:, COLUMN["ticks"]] = 100, 300
    statistics[:, COLUMN["bombs"]] = 10, 6
    statistics[:, COLUMN["waits"]] = 50, 30
    rates, spread = profile(SPEC, statistics), profile_spread(SPEC, statistics)
    assert list(rates) == [name for name, _, _ in SPEC.profile] == list(spread)
    # 16 bombs in 400 ticks, and not the mean of 10 and 2 a hundred ticks.
    assert rates["bombs"] == pytest.approx(4.0) and rates["wait"] == pytest.approx(0.2)
    assert spread["bombs"] == pytest.approx(4.0) and spread["wait"] == pytest.approx(0.2)
    assert rates["kills"] == spread["kills"] == 0


def test_profile_agrees_with_a_slow_count(of_hunter: dict[str, np.ndarray]) -> None:
    rows = np.concatenate(list(of_hunter.values())).tolist()
    for name, statistic, per in SPEC.profile:
        total = sum(row[COLUMN[statistic]] for row in rows)
        ticks = sum(row[COLUMN["ticks"]] for row in rows)
        assert profile(SPEC, np.array(rows))[name] == pytest.approx(total / ticks * per)


def test_style_distance_is_the_mean_in_spreads() -> None:
    own, shown = {"a": 3.0, "b": 1.0}, {"a": 1.0, "b": 2.0}
    assert style_distance(own, shown, {"a": 4.0, "b": 0.5}) == pytest.approx((0.5 + 2) / 2)
    assert style_distance(own, own, {"a": 4.0, "b": 0.0}) == 0.0


def test_counts_add_up(of_hunter: dict[str, np.ndarray]) -> None:
    for rows in of_hunter.values():
        counts = summary(SPEC, rows)
        assert counts["episodes"] == EPISODES
        assert counts["wins"] + counts["losses"] + counts["draws"] == EPISODES
        assert counts["wins_before_closing"] <= counts["wins"]
        assert counts["wins"] == rows[:, COLUMN["wins"]].sum()
        assert counts["self_kills"] == rows[:, COLUMN["self_kills"]].sum()
        json.dumps(counts)


def test_strength_is_wins_less_losses_with_early_wins_twice() -> None:
    statistics = np.zeros((4, len(SPEC.statistics)), np.int32)
    statistics[:3, COLUMN["wins"]] = 1
    statistics[0, COLUMN["early_wins"]] = 1
    statistics[3, COLUMN["losses"]] = 1
    lost = np.zeros_like(statistics)
    lost[:, COLUMN["losses"]] = 1
    assert strength(SPEC, {"a": statistics}) == pytest.approx((3 - 1 + 1) / 4)
    assert strength(SPEC, {"a": statistics, "b": lost}) == pytest.approx((0.75 - 1) / 2)


def test_the_demonstrator_scores_one_and_the_survivor_nothing() -> None:
    yardstick = StyleYardstick(SPEC, "miner", OPPONENTS, EPISODES, 3, LEVELS)
    assert yardstick.score(played("miner")) == pytest.approx(1.0)
    assert yardstick.score(played("survivor")) == pytest.approx(0.0)
    assert yardstick.score(played("idle")) < 1
    assert yardstick.score(played("miner", seed=8)) < 1


def test_what_the_demonstrator_never_varies_is_measured_by_the_survivor() -> None:
    yardstick = StyleYardstick(SPEC, "idle", OPPONENTS, EPISODES, 3, LEVELS)
    assert min(yardstick.spread.values()) > 0
    assert -20 < yardstick.score(played("hunter")) < 1
    alone = StyleYardstick(SPEC, "idle", ("idle",), 1, 3, LEVELS)
    rows = play_episodes(SPEC, ScriptedPolicy("hunter"), ("idle",), 1, 3, LEVELS, "survivable")
    assert np.isfinite(alone.score(rows))


def test_the_interval_of_the_style_score_holds_it_and_knows_the_ends() -> None:
    yardstick = StyleYardstick(SPEC, "miner", OPPONENTS, 60, 3, LEVELS)

    def measured(name: str, seed: int):
        return play_episodes(SPEC, ScriptedPolicy(name), OPPONENTS, 60, seed, LEVELS, "survivable")

    low, high = yardstick.interval(measured("miner", 8))
    assert low < yardstick.score(measured("miner", 8)) < high
    assert yardstick.interval(measured("miner", 8)) == (low, high)
    # The very episodes of an end are that end, whichever of them are drawn.
    assert yardstick.interval(measured("miner", 3)) == pytest.approx((1, 1))
    assert yardstick.interval(measured("survivor", 3)) == pytest.approx((0, 0))


# ------------------------------------------------------------------------- the evaluate command


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "miner.npz"
    record_scripted(SPEC, "miner", ("survivor", "idle"), 50, 0, LEVELS, path)
    return path


def judge(model: str = "bot:miner", **changes: object):
    values = {"model": model, "game": "blast", "against": ("survivor",), "episodes": 4, "seed": 1,
              "levels": "builtin", "style": None, **changes}
    return judge_model(**values)  # type: ignore[arg-type]


def test_a_scripted_player_is_judged_like_a_model(demonstrations: Path) -> None:
    first, second = (judge(style=str(demonstrations)) for _ in range(2))
    assert first == second
    json.dumps(first, allow_nan=False)
    assert first["against"]["survivor"]["episodes"] == 4
    style = first["style"]
    assert style["demonstrator"] == "miner" and style["opponents"] == ["survivor", "idle"]
    assert style["score"] == 1.0 and style["profile"] == style["demonstrator_profile"]
    assert judge("bot:survivor", style=str(demonstrations))["style"]["score"] == 0.0


def test_shares_have_their_intervals_with_and_without_the_filter() -> None:
    judged = judge("blast/medium", against=("idle", "survivor"), episodes=10)
    assert set(judged["by_safety"]) == {"survivable", "none"}
    for against in judged["by_safety"].values():
        for row in against.values():
            for name in ("wins", "wins_before_closing", "self_kills"):
                share = row["shares"][name]
                assert share["share"] == row[name] / 10
                low, high = wilson(row[name], 10)
                assert (share["low"], share["high"]) == (round(low, 4), round(high, 4))
    table = describe_evaluation(judged)
    idle = judged["by_safety"]["none"]["idle"]["shares"]["self_kills"]
    assert f"{100 * idle['share']:.1f} % ({100 * idle['low']:.1f} to" in table
    assert table.count("95 % interval") == 2


def test_a_model_is_judged_by_another_filter_than_its_own() -> None:
    own, careful = (judge("blast/medium", episodes=20, safety=each) for each in (None, "cautious"))
    assert set(careful["by_safety"]) == {"cautious", "none"}
    assert careful["decision"]["safety"] == "cautious" != own["decision"]["safety"]
    assert careful["by_safety"]["none"] == own["by_safety"]["none"]
    assert careful["against"] == careful["by_safety"]["cautious"] != own["against"]


def test_models_can_be_opponents_too() -> None:
    judged = judge("bot:hunter", against=("blast/medium", "bot:idle"), episodes=6)
    assert list(judged["against"]) == ["blast/medium", "bot:idle"]
    assert judged["against"]["bot:idle"]["wins"] > judged["against"]["blast/medium"]["wins"]
    assert judged == judge("bot:hunter", against=("blast/medium", "bot:idle"), episodes=6)
    with pytest.raises(ModelMissingError):
        judge(against=("none.onnx",))


def test_bad_requests_are_refused(demonstrations: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="episode"):
        judge(episodes=0)
    with pytest.raises(fastenv.UnknownGameError):
        judge(game="chess")
    for name in ("bot:nobody", "bot:"):
        with pytest.raises(fastenv.UnknownGameError):
            judge(name)
    with pytest.raises(fastenv.UnknownGameError):
        judge(against=("nobody",))
    with pytest.raises(TrajectoryError):
        judge(style=str(tmp_path / "none.npz"))


@pytest.fixture(scope="module")
def of_a_person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person who plays like the miner."""
    path = tmp_path_factory.mktemp("person") / "own.npz"
    record_scripted(SPEC, "miner", ("survivor", "idle"), 6_000, 0, LEVELS, path)
    file = load_trajectories(path)
    named = replace(file.header, players=("keyboard", "bot:survivor,bot:idle"))
    TrajectoryFile(named, file.episodes).save_npz(path)
    return path


def test_a_person_s_recorded_episodes_are_what_a_model_is_held_against(of_a_person: Path) -> None:
    like, unlike = (
        judge(name, style=str(of_a_person), episodes=40)["style"]
        for name in ("bot:miner", "bot:survivor")
    )
    assert like["demonstrator"] == "keyboard"
    assert like["opponents"] == ["survivor", "idle"]
    assert like["recorded_episodes"] == len(load_trajectories(of_a_person).episodes) > 20
    assert like["score"] > 0.7 and unlike["score"] == 0.0
    low, high = like["interval_by_safety"]["survivable"]
    assert low < like["score"] < high
    table = describe_evaluation(judge(style=str(of_a_person)))
    assert f"by {like['recorded_episodes']} recorded episodes" in table


def test_recorded_statistics_are_those_of_the_matches(of_a_person: Path) -> None:
    file = load_trajectories(of_a_person)
    rows = recorded_statistics(file, SPEC)
    assert rows.shape == (len(file.episodes), len(SPEC.statistics))
    assert rows[:, COLUMN["ticks"]].tolist() == [episode.ticks for episode in file.episodes]
    for name, result in (("wins", 1), ("losses", -1)):
        expected = [episode.result[0] == result for episode in file.episodes]
        assert rows[:, COLUMN[name]].tolist() == expected
    # What is recorded from the middle on begins with nothing done.
    first = file.episodes[0]
    batch = fastenv.make_batch(
        "blast", 1, levels=[fastenv.Level.from_tiles(first.level, SPEC)], autoreset=False
    )
    batch.load_state(0, first.state)
    for actions in first.actions[:7]:
        batch.step(actions[None])
    later = replace(first, state=batch.save_state(0), actions=first.actions[7:])
    (rest,) = recorded_statistics(TrajectoryFile(file.header, (later,)), SPEC)
    assert rest[COLUMN["ticks"]] == first.ticks - 7


def test_whose_opponents_are_gone_cannot_be_compared(of_a_person: Path, tmp_path: Path) -> None:
    file = load_trajectories(of_a_person)
    for players, demonstrated, error in (
        (("keyboard", "gone.onnx"), (0,), ModelMissingError),
        (("keyboard", "hunter"), (0, 1), TrajectoryError),
    ):
        header = replace(file.header, players=players, demonstrated=demonstrated)
        path = tmp_path / f"{players[1]}.npz"
        TrajectoryFile(header, file.episodes).save_npz(path)
        with pytest.raises(error):
            judge(style=str(path))


def test_naming_an_opponent_twice_counts_all_of_its_episodes() -> None:
    counts = judge(against=("survivor", "survivor"))["against"]["survivor"]
    assert counts["episodes"] in (4, 8)


def test_the_survivor_s_own_demonstrations_have_no_style_scale(tmp_path: Path) -> None:
    """The scale runs from the survivor to the demonstrator: for himself it has no length."""
    path = tmp_path / "survivor.npz"
    record_scripted(SPEC, "survivor", ("idle",), 50, 0, LEVELS, path)
    with pytest.raises(TrajectoryError, match="survivor"):
        judge(style=str(path))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed"):
        judge(seed=-1)
