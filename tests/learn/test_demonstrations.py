"""What a demonstration file teaches is what was seen and done when it was recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError, OutputExistsError, TrajectoryError
from engine_plugin.learn.agents import allowed_actions
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.demonstrations import load_demonstrations, who_played
from engine_plugin.learn.payment import Payment
from engine_plugin.learn.record import record_scripted
from engine_plugin.learn.worlds import open_task
from engine_plugin.trajectory import Episode, TrajectoryFile, TrajectoryHeader, load_trajectories

SPEC = fastenv.game_spec("blast")
LEVELS = fastenv.builtin_levels(SPEC, 5, 4)


def header(demonstrated: tuple[int, ...] = (0,)) -> TrajectoryHeader:
    return TrajectoryHeader(
        game="blast", game_version=SPEC.version, layout_hash=SPEC.layout_hash,
        players=("hunter", "survivor"), demonstrated=demonstrated, actions=len(SPEC.actions),
        tick_rate=SPEC.tick_rate,
    )


def play_live(seed: int, ticks: int, safety: str, demonstrated: tuple[int, ...], slips: bool):
    """An episode and what each demonstrated seat saw and did, noted down while it was played.

    slips: now and then seat 0 does something legal that it will not survive.
    """
    level = LEVELS[seed % len(LEVELS)]
    batch = fastenv.make_batch("blast", 1, seed, [level], autoreset=False)
    bots = [fastenv.make_bot(name) for name in ("hunter", "survivor")]
    state, played = batch.save_state(0), []
    notes: dict[int, list[dict[str, object]]] = {seat: [] for seat in demonstrated}
    while len(played) < ticks and not (batch.terminated[0] or batch.truncated[0]):
        actions = np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1)
        unsafe = batch.legal_mask[0, 0] & ~batch.survivable_mask()[0, 0] & 1
        if slips and unsafe.any():
            actions[0, 0] = unsafe.argmax()
        for seat, rows in notes.items():
            allowed = allowed_actions(batch, seat, safety)[0].copy()
            allowed[actions[0, seat]] = 1
            rows.append({"observations": batch.observations[0, seat].copy(), "allowed": allowed,
                         "actions": actions[0, seat]})
        batch.step(actions)
        played.append(actions[0].copy())
        for seat, rows in notes.items():
            rows[-1].update(
                rewards=batch.rewards[0, seat],
                next_observations=batch.observations[0, seat].copy(),
                next_allowed=allowed_actions(batch, seat, safety)[0].copy(),
                terminated=bool(batch.terminated[0]), truncated=False,
            )
    for rows in notes.values():
        rows[-1]["truncated"] = not batch.terminated[0]
    episode = Episode(
        seed=seed, level=level.tiles, state=state, actions=np.array(played),
        result=tuple(int(value) for value in np.sign(batch.rewards[0])),
        terminated=bool(batch.terminated[0]),
    )
    return episode, [note for rows in notes.values() for note in rows]


@pytest.mark.parametrize(
    ("safety", "demonstrated", "ticks", "slips"),
    [
        ("survivable", (0,), 1000, False),
        ("survivable", (0,), 1000, True),
        ("none", (1,), 1000, False),
        ("survivable", (0, 1), 25, False),
    ],
)
def test_transitions_are_those_of_the_live_play(
    tmp_path: Path, safety: str, demonstrated: tuple[int, ...], ticks: int, slips: bool
) -> None:
    lives = [play_live(seed, ticks, safety, demonstrated, slips) for seed in (1, 2, 3)]
    file = TrajectoryFile(header(demonstrated), tuple(episode for episode, _ in lives))
    file.save_npz(tmp_path / "play.npz")
    loaded = load_demonstrations(tmp_path / "play.npz", SPEC, safety)
    expected = [note for _, notes in lives for note in notes]
    assert len(loaded.transitions) == loaded.transitions.filled == len(expected)
    for name, stored in loaded.transitions.arrays.items():
        live = np.array([note[name] for note in expected])
        np.testing.assert_array_equal(stored[:, 0], live, err_msg=name)
    names = ("hunter", "survivor")
    assert loaded.player == names[demonstrated[0]]
    assert loaded.opponents == tuple(
        name for seat, name in enumerate(names) if seat not in demonstrated
    )
    # Whole episodes end by the rules, cut ones do not; each ends once.
    ends = loaded.transitions.arrays["terminated"] | loaded.transitions.arrays["truncated"]
    assert ends.sum() == 3 * len(demonstrated)
    assert loaded.transitions.arrays["terminated"].any() == (ticks == 1000)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos") / "hunter.npz"
    result = record_scripted(SPEC, "hunter", ("survivor", "idle"), 600, 4, LEVELS, path)
    assert result["out"] == str(path) and result["transitions"] >= 600
    return path


def test_a_recording_says_who_played_whom_and_plays_again(recorded: Path) -> None:
    file = load_trajectories(recorded, game="blast", layout_hash=SPEC.layout_hash)
    assert file.header.players == ("hunter", "survivor,idle")
    loaded = load_demonstrations(recorded, SPEC, "survivable")
    assert (loaded.player, loaded.opponents) == ("hunter", ("survivor", "idle"))
    assert len(loaded.transitions) == file.transitions
    arrays = loaded.transitions.arrays
    assert (np.take_along_axis(arrays["allowed"], arrays["actions"][..., None], 2) == 1).all()
    results = [episode.result[0] for episode in file.episodes]
    ended = arrays["terminated"] | arrays["truncated"]
    assert arrays["rewards"][ended].tolist() == results
    assert not arrays["rewards"][~ended].any()


def test_demonstrations_are_paid_as_the_agent_is(tmp_path: Path) -> None:
    path = tmp_path / "rusher.npz"
    record_scripted(SPEC, "rusher", ("hunter", "idle"), 2_000, 4, LEVELS, path)
    plain = load_demonstrations(path, SPEC, "survivable").transitions.arrays
    payment = Payment(late_reward=0.5, self_kill_penalty=2.0)
    paid = load_demonstrations(path, SPEC, "survivable", payment).transitions.arrays
    ended = (plain["terminated"] | plain["truncated"])[:, 0]
    expected = []
    for episode in load_trajectories(path).episodes:
        level = fastenv.Level.from_tiles(episode.level, SPEC)
        batch = fastenv.make_batch("blast", 1, levels=[level])
        batch.load_state(0, episode.state)
        for actions in episode.actions:
            batch.step(np.ascontiguousarray(actions[None]))
        counts = dict(zip(SPEC.statistics, batch.final_statistics[0, 0].tolist(), strict=True))
        other = batch.final_statistics[0, 1, SPEC.statistics.index("early_wins")]
        early = counts["early_wins"] or other
        expected.append(episode.result[0] * (1 if early else 0.5) - 2 * (counts["self_kills"] > 0))
    assert paid["rewards"][ended, 0].tolist() == expected
    assert len(set(expected)) >= 3 and not paid["rewards"][~ended].any()


def test_the_same_seed_records_the_same_file(recorded: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.npz"
    record_scripted(SPEC, "hunter", ("survivor", "idle"), 600, 4, LEVELS, again)
    with np.load(recorded) as first, np.load(again) as second:
        assert first.files == second.files
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])


def test_recording_refuses_what_makes_no_sense(recorded: Path) -> None:
    before = recorded.read_bytes()
    with pytest.raises(OutputExistsError, match="--force"):
        record_scripted(SPEC, "hunter", ("idle",), 10, 0, LEVELS, recorded)
    with pytest.raises(ConfigError, match="transition"):
        record_scripted(SPEC, "hunter", ("idle",), 0, 0, LEVELS, recorded, force=True)
    with pytest.raises(ConfigError, match="opponent"):
        record_scripted(SPEC, "hunter", (), 10, 0, LEVELS, recorded, force=True)
    with pytest.raises(fastenv.UnknownGameError, match="nobody"):
        record_scripted(SPEC, "nobody", ("idle",), 10, 0, LEVELS, recorded, force=True)
    assert recorded.read_bytes() == before


def changed(recorded: Path, out: Path, header_changes: dict[str, object] | None = None,
            **episode_changes: object) -> Path:
    """The recording with other facts in its header, or in its first episode."""
    file = load_trajectories(recorded)
    first = replace(file.episodes[0], **episode_changes)  # type: ignore[arg-type]
    made = TrajectoryFile(
        replace(file.header, **(header_changes or {})),  # type: ignore[arg-type]
        (first, *file.episodes[1:]),
    )
    made.save_npz(out)
    return out


def test_another_layout_or_game_is_refused(recorded: Path, tmp_path: Path) -> None:
    other = changed(recorded, tmp_path / "other.npz", {"layout_hash": "0" * 16})
    with pytest.raises(TrajectoryError, match="layout"):
        load_demonstrations(other, SPEC, "survivable")
    other = changed(recorded, tmp_path / "chess.npz", {"game": "chess"})
    with pytest.raises(TrajectoryError, match="chess"):
        load_demonstrations(other, SPEC, "survivable")


@pytest.mark.parametrize("share", (0.0, 0.3, 0.99))
def test_a_truncated_file_is_refused(recorded: Path, tmp_path: Path, share: float) -> None:
    broken = tmp_path / "broken.npz"
    data = recorded.read_bytes()
    broken.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(TrajectoryError, match="broken"):
        load_demonstrations(broken, SPEC, "survivable")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match=r"none\.npz"):
        load_demonstrations(tmp_path / "none.npz", SPEC, "survivable")


def test_an_episode_that_does_not_end_as_recorded_is_refused(
    recorded: Path, tmp_path: Path
) -> None:
    result = load_trajectories(recorded).episodes[0].result
    other = changed(recorded, tmp_path / "other.npz",
                    result=(1, -1) if result == (0, 0) else (0, 0))
    with pytest.raises(TrajectoryError, match="episode 1 does not end as recorded"):
        load_demonstrations(other, SPEC, "survivable")


def test_a_state_that_is_none_is_refused(recorded: Path, tmp_path: Path) -> None:
    state = load_trajectories(recorded).episodes[0].state
    other = changed(recorded, tmp_path / "other.npz", state=bytes(len(state)))
    with pytest.raises(TrajectoryError, match="episode 1 cannot be played again"):
        load_demonstrations(other, SPEC, "survivable")


def test_scripted_players_go_by_their_bare_names_however_they_sat_down(recorded: Path) -> None:
    header = load_trajectories(recorded).header
    sat_down = replace(header, players=("bot:hunter", "bot:survivor,bot:idle"))
    assert who_played(sat_down) == who_played(header) == ("hunter", ("survivor", "idle"))


def test_where_both_seats_are_demonstrated_the_run_s_own_opponents_judge(
    tmp_path: Path, recorded: Path
) -> None:
    """As in the matches that a tournament keeps."""
    path = tmp_path / "both.npz"
    file = load_trajectories(recorded)
    header = replace(file.header, players=("hunter", "survivor"), demonstrated=(0, 1))
    TrajectoryFile(header, file.episodes).save_npz(path)
    settings = {"reward": "style", "levels": "builtin", "evaluation_episodes": 2}
    config = PolicyConfig(out="", demos=str(path), opponents="miner", **settings)
    task = open_task(config.resolved())
    assert task.judge(task.demonstrations()).opponents == ("miner",)
