"""Tournaments: fair seats, the same for the same seed, and matches that play out as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError, ModelMissingError, OutputExistsError
from engine_plugin.learn.agents import load_agent
from engine_plugin.learn.instructive import KINDS
from engine_plugin.learn.matches import play_matches
from engine_plugin.learn.tournament import play_tournament
from engine_plugin.tables import describe_tournament
from engine_plugin.trajectory import Episode, load_trajectories

SPEC = fastenv.game_spec("blast")
LEVELS = fastenv.builtin_levels(SPEC, 9, 8)
NAMES = ("blast/medium", "bot:hunter", "bot:survivor", "bot:idle")


def hold(names: tuple[str, ...] = NAMES, **changes: Any) -> dict[str, Any]:
    values = {"game": "blast", "matches": 20, "seed": 1, "levels": "builtin", **changes}
    return play_tournament(names, **values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tournament") / "kept"


@pytest.fixture(scope="module")
def tournament(folder: Path) -> dict[str, Any]:
    return hold(out=folder)


def play_again(episode: Episode) -> list[int]:
    """The rewards with which an episode ends when its actions are played anew."""
    level = fastenv.Level.from_tiles(episode.level, SPEC)
    batch = fastenv.make_batch("blast", 1, levels=[level], autoreset=False)
    batch.load_state(0, episode.state)
    for actions in episode.actions:
        assert not batch.terminated[0]
        batch.step(np.ascontiguousarray(actions[None]))
    assert batch.terminated[0]
    return [int(value) for value in np.sign(batch.rewards[0])]


# ------------------------------------------------------------------------------------- matches


def test_match_i_starts_alike_whoever_plays() -> None:
    agents = [load_agent(name, SPEC) for name in ("bot:hunter", "bot:idle")]
    here = play_matches(SPEC, agents, 6, 5, LEVELS)
    there = play_matches(SPEC, agents[::-1], 6, 5, LEVELS)
    assert here.states == there.states
    assert [level.tiles.tobytes() for level in here.levels] == [
        level.tiles.tobytes() for level in there.levels
    ]


def test_results_follow_from_the_statistics_and_the_actions() -> None:
    agents = [load_agent(name, SPEC).fresh(3) for name in ("blast/medium", "bot:hunter")]
    played = play_matches(SPEC, agents, 8, 5, LEVELS)
    column = {name: index for index, name in enumerate(SPEC.statistics)}
    wins, losses = (played.statistics[:, :, column[name]] for name in ("wins", "losses"))
    np.testing.assert_array_equal(played.results, wins - losses)
    np.testing.assert_array_equal(played.ticks, played.statistics[:, 0, column["ticks"]])
    for match in range(8):
        assert play_again(played.episode(match)) == played.results[match].tolist()


def test_a_seat_for_everybody() -> None:
    with pytest.raises(ConfigError, match="seats"):
        play_matches(SPEC, [load_agent("bot:idle", SPEC)], 2, 1, LEVELS)


# ---------------------------------------------------------------------------------- tournament


def test_everybody_plays_everybody_and_all_is_counted(tournament: dict[str, Any]) -> None:
    assert len(tournament["pairs"]) == 6
    for row in tournament["pairs"]:
        assert row["wins"] + row["draws"] + row["losses"] == 20
        assert row["early_wins"][0] <= row["wins"] and row["early_wins"][1] <= row["losses"]
    for row in tournament["contestants"]:
        own = [pair for pair in tournament["pairs"] if row["name"] in pair["players"]]
        won = sum(
            pair["wins"] if pair["players"][0] == row["name"] else pair["losses"] for pair in own
        )
        assert (row["matches"], row["wins"]) == (60, won)
        assert row["wins"] + row["draws"] + row["losses"] == 60
        share = row["win_share"]
        assert share["low"] <= share["share"] == round(won / 60, 4) <= share["high"]
        assert row["elo_low"] <= row["elo"] <= row["elo_high"]
    names = [row["name"] for row in tournament["contestants"]]
    assert names[-1] == "idle" and set(names) == {"blast/medium", "hunter", "survivor", "idle"}
    assert tournament["anchor"] == "survivor"
    assert {row["name"]: row["elo"] for row in tournament["contestants"]}["survivor"] == 1000
    json.dumps(tournament, allow_nan=False)


def test_the_same_seed_gives_the_same_tournament(
    tournament: dict[str, Any], tmp_path: Path, folder: Path
) -> None:
    again, other = hold(out=tmp_path / "kept"), hold(seed=2)
    assert again["contestants"] == tournament["contestants"]
    assert again["pairs"] == tournament["pairs"] != other["pairs"]
    for path in folder.iterdir():
        if path.suffix == ".npz":
            ours, theirs = (load_trajectories(place / path.name) for place in
                            (folder, tmp_path / "kept"))  # fmt: skip
            assert ours.header == theirs.header
            np.testing.assert_array_equal(ours.episodes[0].actions, theirs.episodes[0].actions)


def test_who_is_named_first_makes_no_difference() -> None:
    names = ("blast/medium", "bot:hunter")
    here, there = hold(names, anchor="hunter"), hold(names[::-1], anchor="bot:hunter")
    assert here["contestants"] == there["contestants"]
    (one,), (turned,) = here["pairs"], there["pairs"]
    assert (one["wins"], one["draws"], one["losses"]) == (
        turned["losses"], turned["draws"], turned["wins"]
    )  # fmt: skip
    assert one["self_kills"] == turned["self_kills"][::-1]


def test_others_who_play_do_not_change_a_pair(tournament: dict[str, Any]) -> None:
    (alone,) = hold(("blast/medium", "bot:hunter"))["pairs"]
    assert alone in tournament["pairs"]


def test_the_filter_can_be_taken_away() -> None:
    names = ("blast/medium", "bot:idle")
    (with_filter,), (without,) = (hold(names, safety=safety)["pairs"] for safety in
                                  ("survivable", "none"))  # fmt: skip
    assert without["self_kills"][0] > with_filter["self_kills"][0]


def test_kept_matches_are_what_the_index_says(tournament: dict[str, Any], folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    assert index == tournament["instructive"]
    assert [row["file"] for row in index] == sorted(path.name for path in folder.glob("*.npz"))
    kinds = [row["kind"] for row in index]
    assert kinds == sorted(kinds, key=[kind.name for kind in KINDS].index)
    elo = {row["name"]: row["elo"] for row in tournament["contestants"]}
    pairs = [(row["kind"], frozenset(row["players"])) for row in index]
    assert len(set(pairs)) == len(pairs)
    for row in index:
        file = load_trajectories(folder / row["file"], layout_hash=SPEC.layout_hash)
        (episode,) = file.episodes
        assert list(file.header.players) == row["players"] and episode.ticks == row["ticks"]
        result = play_again(episode)
        assert result == list(episode.result)
        winner = row["players"][result.index(1)] if 1 in result else None
        assert row["winner"] == winner
        loser = None if winner is None else next(n for n in row["players"] if n != winner)
        if row["kind"] in ("upset", "own-goal"):
            favourite = max(row["players"], key=lambda name: elo[name])
            assert winner != favourite
        if row["kind"] == "fastest":
            assert winner is not None and row["ticks"] < 200
        if row["kind"] == "closest":
            assert loser is not None


def test_a_tournament_is_shown_as_tables(tournament: dict[str, Any]) -> None:
    text = describe_tournament(tournament)
    for row in tournament["pairs"]:
        assert f"{row['wins']}-{row['draws']}-{row['losses']}" in text
        assert f"{row['losses']}-{row['draws']}-{row['wins']}" in text
    for row in tournament["contestants"]:
        assert f"{row['elo']:.0f}" in text
    assert "fixed" in text and "01-" in text


def test_another_game_without_bombs_has_tournaments_too(tmp_path: Path) -> None:
    held = hold(("bot:racer", "bot:pusher"), game="race", out=tmp_path / "kept")
    assert sum(held["pairs"][0][key] for key in ("wins", "draws", "losses")) == 20
    assert held["instructive"] and describe_tournament(held)


def test_bad_requests_are_refused_before_anything_is_written(tmp_path: Path, folder: Path) -> None:
    for names, changes, words in (
        (("bot:idle",), {}, "two contestants"),
        (("bot:idle", "idle"), {}, "once"),
        (("bot:idle", "bot:hunter"), {"matches": 7}, "even"),
        (("bot:idle", "bot:hunter"), {"matches": 0}, "even"),
        (("bot:idle", "bot:hunter"), {"anchor": "miner"}, "miner"),
        (("bot:idle", "bot:hunter"), {"keep": 0}, "keep"),
    ):
        with pytest.raises(ConfigError, match=words):
            hold(names, out=tmp_path / "new", **changes)
    with pytest.raises(fastenv.UnknownGameError, match="nobody"):
        hold(("bot:nobody", "bot:idle"), out=tmp_path / "new")
    with pytest.raises(ModelMissingError):
        hold(("none.onnx", "bot:idle"), out=tmp_path / "new")
    with pytest.raises(OutputExistsError):
        hold(("bot:hunter", "bot:idle"), out=folder)
    assert not (tmp_path / "new").exists()


def test_forcing_replaces_the_earlier_matches_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "kept"
    hold(("bot:hunter", "bot:survivor", "bot:miner"), out=out)
    mine = {"mine.npz", "99-mine.npz"}
    for name in mine:
        (out / name).write_bytes(b"mine")
    held = hold(("bot:hunter", "bot:idle"), out=out, force=True)
    files = {row["file"] for row in held["instructive"]}
    assert {path.name for path in out.iterdir()} == files | mine | {"index.json"}
