"""Recording: what was played is kept, through torn tails, full disks and second thoughts."""

from __future__ import annotations

import contextlib
import errno
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine_plugin.errors import OutputExistsError, TrajectoryError
from engine_plugin.journal import MAGIC, finish_recording, journal_path, parse_journal
from engine_plugin.journal import recover_journal as recover
from engine_plugin.runtime.recorder import DemonstrationRecorder
from engine_plugin.trajectory import load_trajectories

LEVEL = np.arange(6, dtype=np.uint8).reshape(2, 3)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "demos" / "me.npz"


def play(recorder, ticks=4, seed=1, result=(1, -1)):
    recorder.begin_episode(seed, LEVEL, b"state")
    for tick in range(ticks):
        recorder.add([tick % 3, 1])
    recorder.end_episode(result)


def test_episodes_are_recorded(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        play(recorder)
        play(recorder, ticks=7, seed=2**64 - 1, result=(0, 0))
        assert recorder.episodes == 2
    loaded = load_trajectories(path, layout_hash=header.layout_hash)
    assert [episode.ticks for episode in loaded.episodes] == [4, 7]
    first, second = loaded.episodes
    assert first.actions.tolist() == [[0, 1], [1, 1], [2, 1], [0, 1]]
    assert (first.state, first.result, first.terminated) == (b"state", (1, -1), True)
    assert second.seed == 2**64 - 1
    np.testing.assert_array_equal(second.level, LEVEL)
    assert not journal_path(path).exists()


def test_the_same_play_gives_the_same_file(tmp_path, header):
    for name in ("a.npz", "b.npz"):
        with DemonstrationRecorder(tmp_path / name, header) as recorder:
            play(recorder)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_foreign_game_stores_what_its_player_saw(path, header):
    foreign = replace(
        header,
        players=("keyboard",),
        observation_type="float32",
        observation_size=2,
    )
    with DemonstrationRecorder(path, foreign) as recorder:
        recorder.begin_episode(1)
        observation = np.array([0.5, 1.5], np.float32)
        recorder.add([2], observation, np.array([1, 0, 1]))
        observation[:] = 9  # the caller may reuse its array
        recorder.add([0], observation[None], np.ones((1, 3)))
        for bad in (None, np.zeros(3, np.float32), np.array([np.nan, 0], np.float32)):
            with pytest.raises(TrajectoryError, match="observation"):
                recorder.add([0], bad, np.ones(3))
        with pytest.raises(TrajectoryError, match="mask"):
            recorder.add([0], observation)
        recorder.end_episode([1])
    (episode,) = load_trajectories(path).episodes
    assert episode.observations.tolist() == [[[0.5, 1.5]], [[9, 9]]]
    assert episode.masks.tolist() == [[[1, 0, 1]], [[1, 1, 1]]]


def test_the_last_round_can_be_withdrawn(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        assert not recorder.discard_last()
        play(recorder, seed=1)
        play(recorder, seed=2)
        recorder.begin_episode(3, LEVEL, b"state")
        recorder.add([0, 0])
        assert recorder.discard_last()
        recorder.add([1, 1])
        recorder.end_episode((0, 0))
        recorder.begin_episode(4, LEVEL, b"state")
        recorder.add([0, 0])
        recorder.abandon_episode()
    assert [(e.seed, e.ticks) for e in load_trajectories(path).episodes] == [(1, 4), (3, 2)]


def test_a_round_that_is_cut_off_is_kept_as_such(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        recorder.begin_episode(1, LEVEL, b"state")
        recorder.add([0, 0])
        recorder.begin_episode(2, LEVEL, b"state")
        recorder.add([0, 0])
    assert [(e.terminated, e.result) for e in load_trajectories(path).episodes] == [
        (False, (0, 0))
    ] * 2


def test_nothing_recorded_leaves_nothing(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        recorder.begin_episode(1, LEVEL)
        recorder.end_episode((0, 0))
    assert list(path.parent.iterdir()) == []


def test_a_second_at_most_is_lost(path, header):
    clock = Clock()
    recorder = DemonstrationRecorder(path, header, clock=clock)
    recorder.begin_episode(1, LEVEL, b"state")
    for tick in range(25):
        clock.now = tick * 0.1
        recorder.add([0, 0])
    # Killed here: nothing is closed.
    assert recover(journal_path(path)).ticks == 21


def test_a_torn_tail_costs_only_itself(path, header):
    recorder = DemonstrationRecorder(path, header)
    play(recorder, ticks=5, seed=1)
    whole = journal_path(path).stat().st_size
    play(recorder, ticks=5, seed=2)
    data = journal_path(path).read_bytes()
    for size in range(whole, len(data) + 1):
        recovered = parse_journal(data[:size])
        assert recovered.episodes[0].terminated
        assert [e.seed for e in recovered.episodes] in ([1], [1, 2])
    assert [e.terminated for e in parse_journal(data).episodes] == [True, True]
    assert [e.terminated for e in parse_journal(data[:-1]).episodes] == [True, False]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_journal_never_ends_in_another_error(tmp_path_factory, header, data):
    path = tmp_path_factory.mktemp("journal") / "me.npz"
    recorder = DemonstrationRecorder(path, header)
    play(recorder)
    damaged = bytearray(journal_path(path).read_bytes())
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TrajectoryError):
        parse_journal(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@pytest.mark.parametrize("data", [b"", MAGIC[:5], MAGIC, b"garbage", b"PK\x03\x04" * 9])
def test_what_is_no_journal(tmp_path, data):
    (tmp_path / "x.journal").write_bytes(data)
    with pytest.raises(TrajectoryError, match=r"x\.journal"):
        recover(tmp_path / "x.journal")


def crash(path, header, **more):
    """A recording whose process died after a whole episode."""
    recorder = DemonstrationRecorder(path, header)
    play(recorder, **more)
    recorder._file.close()


def test_a_journal_left_behind_is_not_overwritten(path, header):
    crash(path, header)
    with pytest.raises(OutputExistsError, match="append"):
        DemonstrationRecorder(path, header)
    with DemonstrationRecorder(path, header, append=True) as recorder:
        play(recorder, seed=2)
    assert [e.seed for e in load_trajectories(path).episodes] == [1, 2]


def test_force_drops_what_was_there(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        play(recorder, seed=1)
    with pytest.raises(OutputExistsError, match="--force"):
        DemonstrationRecorder(path, header)
    crash(path.with_name("other.npz"), header)
    journal_path(path.with_name("other.npz")).rename(journal_path(path))
    with DemonstrationRecorder(path, header, force=True) as recorder:
        assert path.exists(), "the old file stands until the new one is whole"
        play(recorder, seed=5)
    assert [e.seed for e in load_trajectories(path).episodes] == [5]


def test_sittings_add_up(path, header):
    for seed in (1, 2, 3):
        with DemonstrationRecorder(path, header, append=True) as recorder:
            play(recorder, seed=seed)
    loaded = load_trajectories(path)
    assert [e.seed for e in loaded.episodes] == [1, 2, 3]
    assert len(set(loaded.header.recordings)) == 3


def test_an_empty_sitting_keeps_the_earlier_ones(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        play(recorder)
    before = path.read_bytes()
    with DemonstrationRecorder(path, header, append=True):
        pass
    with DemonstrationRecorder(path, header, force=True):
        pass
    assert path.read_bytes() == before


def test_a_crash_between_saving_and_tidying_doubles_nothing(path, header):
    crash(path, header)
    journal = journal_path(path).read_bytes()
    assert finish_recording(path).ticks == 4
    journal_path(path).write_bytes(journal)
    assert finish_recording(path).ticks == 4


def test_a_recording_of_another_kind_is_not_appended(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        play(recorder)
    before = path.read_bytes()
    with pytest.raises(TrajectoryError, match="layout_hash"):
        DemonstrationRecorder(path, replace(header, layout_hash="other"), append=True)
    with (
        DemonstrationRecorder(path, header, append=True) as recorder,
        pytest.raises(TrajectoryError, match="sizes"),
    ):
        recorder.begin_episode(1, np.zeros((9, 9), np.uint8), b"state")
    assert path.read_bytes() == before


def test_two_recordings_to_one_file_do_not_meet(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        for options in ({}, {"append": True}, {"force": True}):
            with pytest.raises(OutputExistsError, match="is running"):
                DemonstrationRecorder(path, header, **options)
        play(recorder)
    assert load_trajectories(path).ticks == 4


class FullDisk(io.FileIO):
    """A file on a disk that takes three bytes more and then no more, until it has room."""

    room = True

    def write(self, data):
        if self.room:
            return super().write(data)
        super().write(bytes(data[:3]))
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_neither_game_nor_recording(path, header, caplog, monkeypatch):
    monkeypatch.setattr("engine_plugin.runtime.recorder.FileIO", FullDisk)
    recorder = DemonstrationRecorder(path, header)
    play(recorder, seed=1)
    monkeypatch.setattr(FullDisk, "room", False)
    play(recorder, seed=2)
    play(recorder, seed=3)
    assert recorder.errors == 2
    assert len(caplog.records) == 1
    assert [e.seed for e in recover(journal_path(path)).episodes] == [1]
    with pytest.raises(TrajectoryError, match="free space"):
        recorder.close()
    monkeypatch.setattr(FullDisk, "room", True)
    recorder.close()
    assert [e.seed for e in load_trajectories(path).episodes] == [1, 2, 3]


def test_a_failed_close_can_be_repeated(path, header, monkeypatch):
    recorder = DemonstrationRecorder(path, header)
    play(recorder)
    with monkeypatch.context() as patch:

        def refuse(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("engine_plugin.files.os.replace", refuse)
        with pytest.raises(TrajectoryError, match="No space left"):
            recorder.close()
    assert recorder.close().ticks == 4
    assert recorder.close() is None


def test_misuse_is_told(path, header):
    with DemonstrationRecorder(path, header) as recorder:
        with pytest.raises(TrajectoryError, match="begin_episode"):
            recorder.add([0, 0])
        with pytest.raises(TrajectoryError, match="seed"):
            recorder.begin_episode(-1, LEVEL)
        with pytest.raises(TrajectoryError, match="level_tiles"):
            recorder.begin_episode(1, np.zeros((2, 2)))
        recorder.begin_episode(1, LEVEL)
        for actions in ([0], [0, 3], [0, -1], [0.5, 0.5], 0):
            with pytest.raises(TrajectoryError, match="actions"):
                recorder.add(actions)
        with pytest.raises(TrajectoryError, match="stores none"):
            recorder.add([0, 0], np.zeros(4))
        with pytest.raises(TrajectoryError, match="result"):
            recorder.end_episode((3, 0))
    with pytest.raises(TrajectoryError, match="closed"):
        recorder.begin_episode(1, LEVEL)
