"""Trajectory files: a round trip, joining, and every wrong file named."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine_plugin.errors import TrajectoryError
from engine_plugin.trajectory import (
    Episode,
    TrajectoryFile,
    TrajectoryHeader,
    concatenate,
    load_trajectories,
)


def episode(ticks=5, seed=1, result=(1, -1), state=b"state", **more):
    generator = np.random.default_rng(seed)
    return Episode(
        seed=seed,
        level=generator.integers(0, 7, (3, 4), np.uint8),
        state=state,
        actions=generator.integers(0, 3, (ticks, 2), np.uint8),
        result=result,
        **more,
    )


def assert_same(one, other):
    assert one.header == other.header
    assert len(one.episodes) == len(other.episodes)
    for left, right in zip(one.episodes, other.episodes, strict=True):
        for name in ("seed", "state", "result", "terminated"):
            assert getattr(left, name) == getattr(right, name)
        for name in ("level", "actions", "observations", "masks"):
            a, b = getattr(left, name), getattr(right, name)
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


@pytest.fixture
def saved(header, tmp_path):
    path = tmp_path / "demos.npz"
    TrajectoryFile(header, (episode(), episode(9, seed=2, result=(0, 0)))).save_npz(path)
    return path


@st.composite
def files(draw):
    players, actions = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    stored = draw(st.sampled_from(["", "uint8", "float32"]))
    size = draw(st.integers(1, 5)) if stored else 0
    made_from = np.random.default_rng(draw(st.integers(0, 1000)))
    header = TrajectoryHeader(
        game="toy",
        game_version=1,
        layout_hash="abc",
        players=tuple(f"player {seat}" for seat in range(players)),
        demonstrated=tuple(draw(st.sets(st.integers(0, players - 1), min_size=1))),
        actions=actions,
        tick_rate=60,
        observation_type=stored,
        observation_size=size,
    )
    height, width = draw(st.sampled_from([(0, 0), (2, 3)]))
    state_size = draw(st.integers(0, 9))
    episodes = []
    for _ in range(draw(st.integers(1, 3))):
        ticks = draw(st.integers(1, 6))
        episodes.append(
            Episode(
                seed=draw(st.integers(0, 2**64 - 1)),
                level=made_from.integers(0, 9, (height, width), np.uint8),
                state=made_from.bytes(state_size),
                actions=made_from.integers(0, actions, (ticks, players), np.uint8),
                result=tuple(draw(st.sampled_from([-1, 0, 1])) for _ in range(players)),
                terminated=draw(st.booleans()),
                observations=made_from.integers(0, 9, (ticks, players, size)).astype(stored)
                if stored
                else None,
                masks=np.ones((ticks, players, actions), np.uint8) if stored else None,
            )
        )
    return TrajectoryFile(header, tuple(episodes))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files())
def test_what_is_saved_is_loaded(tmp_path, trajectories):
    trajectories.save_npz(tmp_path / "file.npz")
    assert_same(load_trajectories(tmp_path / "file.npz"), trajectories)


def test_numpy_alone_opens_the_file(saved):
    with np.load(saved, allow_pickle=False) as arrays:
        assert arrays["ticks"].tolist() == [5, 9]
        assert arrays["actions"].shape == (14, 2)


def test_it_counts(saved):
    trajectories = load_trajectories(saved, game="toy", layout_hash="0123456789abcdef")
    assert (trajectories.ticks, trajectories.transitions) == (14, 14)


def test_several_sittings_add_up(header, saved, tmp_path):
    second = tmp_path / "more.npz"
    TrajectoryFile(header, (episode(seed=3),)).save_npz(second)
    assert load_trajectories([saved, second]).ticks == 19


def test_everybody_who_sat_in_a_seat_is_named(header):
    others = [("ada", "bot:hunter"), ("ada", "bot:rusher"), ("eve", "bot:hunter,bot:idle")]
    parts = [TrajectoryFile(replace(header, players=names), (episode(),)) for names in others]
    assert concatenate(parts).header.players == ("ada,eve", "bot:hunter,bot:rusher,bot:idle")
    for long in (150, 200):
        names = [f"{number:0{long}d}" for number in (1, 2)]
        many = [replace(parts[0], header=replace(header, players=("a", name))) for name in names]
        assert concatenate(many).header.players == ("a", names[0])


def test_what_does_not_belong_together_is_not_joined(header):
    part = TrajectoryFile(header, (episode(),))
    for change in ({"layout_hash": "other"}, {"demonstrated": (1,)}, {"tick_rate": 60}):
        name = next(iter(change))
        with pytest.raises(TrajectoryError, match=f"differ in {name}"):
            concatenate([part, TrajectoryFile(replace(header, **change), (episode(),))])
    named = TrajectoryFile(replace(header, recordings=("a",)), (episode(),))
    with pytest.raises(TrajectoryError, match="comes twice"):
        concatenate([named, named])
    with pytest.raises(TrajectoryError, match="states of one length"):
        concatenate([part, TrajectoryFile(header, (episode(state=b"longer state"),))])


def test_another_layout_or_game(saved):
    with pytest.raises(TrajectoryError, match=r"demos.npz: .*layout ffff.*record them again"):
        load_trajectories(saved, layout_hash="ffff")
    with pytest.raises(TrajectoryError, match="'blast'"):
        load_trajectories(saved, game="blast")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"actions": np.full((5, 2), 3, np.uint8)}, "actions: expected 0 to 2"),
        ({"actions": np.zeros((5, 3), np.uint8)}, "actions"),
        ({"actions": np.zeros((5, 2), np.int64)}, "actions"),
        ({"actions": np.zeros((0, 2), np.uint8)}, "one tick"),
        ({"result": (1,)}, "result"),
        ({"result": (2, 0)}, "result"),
        ({"seed": -1}, "seed"),
        ({"level": np.zeros(3, np.uint8)}, "level"),
        ({"level": None}, "level"),
        ({"masks": np.ones((5, 2, 3), np.uint8)}, "does not announce"),
    ],
)
def test_an_episode_that_contradicts_its_header(header, change, says):
    with pytest.raises(TrajectoryError, match=f"episode 1: .*{says}"):
        TrajectoryFile(header, (replace(episode(), **change),))


def test_stored_observations_are_checked(header):
    foreign = replace(header, observation_type="float32", observation_size=3)
    observations = np.zeros((5, 2, 3), np.float32)
    masks = np.ones((5, 2, 3), np.uint8)
    good = episode(observations=observations, masks=masks)
    TrajectoryFile(foreign, (good,))
    for change in (
        {"observations": None},
        {"masks": None},
        {"observations": np.full((5, 2, 3), np.nan, np.float32)},
        {"observations": observations.astype(np.float64)},
    ):
        with pytest.raises(TrajectoryError):
            TrajectoryFile(foreign, (replace(good, **change),))


@pytest.mark.parametrize(
    "change",
    [
        {"players": ()},
        {"demonstrated": (2,)},
        {"demonstrated": ()},
        {"actions": 0},
        {"game": ""},
        {"observation_type": "uint8"},
        {"schema": 2},
        {"tick_rate": 0},
    ],
)
def test_a_wrong_header(header, change):
    with pytest.raises(TrajectoryError, match=next(iter(change))):
        replace(header, **change)


def rewritten(path, **arrays):
    """The saved file with some arrays replaced (None: left out)."""
    with np.load(path) as file:
        columns = {**file, **arrays}
    np.savez_compressed(path, **{k: v for k, v in columns.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header", None),
        ("header", np.frombuffer(b'{"game": "toy"}', np.uint8)),
        ("header", np.zeros(3, np.int64)),
        ("seeds", None),
        ("seeds", np.zeros(3, np.uint64)),
        ("ticks", np.array([5, 8], np.int64)),
        ("ticks", np.array([15, -1], np.int64)),
        ("ticks", np.array([2**63 - 1, 2**63 - 1], np.int64)),
        ("results", np.full((2, 2), 7, np.int8)),
        ("levels", np.zeros((2, 3), np.uint8)),
        ("states", np.zeros((1, 5), np.uint8)),
        ("actions", np.full((14, 2), 9, np.uint8)),
        ("actions", np.asfortranarray(np.zeros((14, 2), np.uint8))),
        ("observations", np.zeros((14, 2, 3), np.uint8)),
        ("surprise", np.zeros(1)),
    ],
)
def test_a_file_whose_arrays_do_not_fit(saved, name, value):
    with pytest.raises(TrajectoryError, match=r"demos\.npz"):
        load_trajectories(rewritten(saved, **{name: value}))


def test_pickles_are_never_opened(saved):
    with pytest.raises(TrajectoryError, match="plain array"):
        load_trajectories(rewritten(saved, states=np.array([{"a": 1}], object)))


def test_a_bomb_is_refused_by_its_declared_size(saved):
    with np.load(saved) as file:
        columns = dict(file)
    small = np.zeros((1, 1), np.uint8)
    np.savez_compressed(saved, **(columns | {"actions": small}))
    archive = io.BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(archive, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "actions.npy":
                data = data.replace(b"(1, 1)", b"(9999999, 999)", 1)
            new.writestr(entry.filename, data)
    saved.write_bytes(archive.getvalue())
    with pytest.raises(TrajectoryError, match=r"actions\.npy: "):
        load_trajectories(saved)


def test_truncations_garbage_and_absence(saved):
    data = saved.read_bytes()
    for broken in (b"", b"PK\x03\x04", data[: len(data) // 2], data[:-1], b"garbage" * 99):
        saved.write_bytes(broken)
        with pytest.raises(TrajectoryError, match="damaged or other file"):
            load_trajectories(saved)
    with pytest.raises(TrajectoryError, match="no such file"):
        load_trajectories(saved.with_name("absent.npz"))
    with pytest.raises(TrajectoryError, match="folder"):
        load_trajectories(saved.parent)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bits_are_caught_or_harmless(saved, data):
    original = load_trajectories(saved)
    damaged = bytearray(saved.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << (bit % 8)
    path = saved.with_name("damaged.npz")
    path.write_bytes(damaged)
    try:
        loaded = load_trajectories(path)
    except TrajectoryError:
        return
    assert_same(loaded, original)
