"""Trajectory files: episodes kept as demonstrations to learn from, or to be replayed.

One compressed npz a file, `np.load(allow_pickle=False)` opens it anywhere:

    header          uint8 [bytes]                    JSON of a `TrajectoryHeader`
    seeds           uint64 [episodes]
    ticks           int64 [episodes]                 length of each episode
    terminated      bool [episodes]                  ended by the rules, not cut off
    results         int8 [episodes, players]         +1 won, 0 drawn or open, -1 lost
    levels          uint8 [episodes, height, width]
    states          uint8 [episodes, state_bytes]    the env's state at the first tick
    actions         uint8 [all ticks, players]
    observations    [all ticks, players, values]     only where the header says they are stored
    masks           uint8 [all ticks, players, actions]

Our games store none of the last two: from state and actions everything can be played again.
A foreign game cannot be, so what the players saw stands in the file.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin import strict_json
from engine_plugin.checks import LONGEST_NAME, Checks
from engine_plugin.errors import TrajectoryError
from engine_plugin.files import atomic_write, read_regular_file

SCHEMA = 1
MAX_FILE_BYTES = 1 << 30
MAX_UNPACKED_BYTES = 2 << 30

_MAX_COUNT = 1 << 31
_expect = Checks(TrajectoryError)


@dataclass(frozen=True)
class TrajectoryHeader:
    """What all episodes of one file share. A wrong value raises TrajectoryError.

    game, game_version, layout_hash: the rules and the observation layout they were played with
    players: who sat in each seat, by name ("keyboard", "hunter", a model's name)
    demonstrated: seats (numbers) whose play is the example; the others are only company
    actions: number of actions of the game
    tick_rate: ticks a second when it was played
    seed: seed of the recording as a whole; each episode has its own as well
    observation_type: "" (not stored), "uint8" or "float32"
    observation_size: values in one stored observation, 0 where none is stored
    recordings: ids of the sittings in the file; `recover_journal` and `concatenate` fill it
    """

    game: str
    game_version: int
    layout_hash: str
    players: tuple[str, ...]
    demonstrated: tuple[int, ...]
    actions: int
    tick_rate: int
    seed: int = 0
    observation_type: str = ""
    observation_size: int = 0
    recordings: tuple[str, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        _expect(
            self.schema == SCHEMA,
            f"schema: expected {SCHEMA}, got {self.schema!r}; upgrade the package",
        )
        for name in ("game", "layout_hash"):
            _expect.text(name, getattr(self, name))
        for name, low, high in (
            ("game_version", 0, _MAX_COUNT),
            ("actions", 1, 255),
            ("tick_rate", 1, 100_000),
            ("seed", 0, (1 << 64) - 1),
            ("observation_size", 0, 1 << 22),
        ):
            _expect.whole(name, getattr(self, name), low, high)
        for name in ("players", "demonstrated", "recordings"):
            _expect(isinstance(getattr(self, name), tuple), f"{name}: expected a tuple")
        _expect(1 <= len(self.players) <= 64, f"players: expected 1 to 64, got {self.players!r}")
        for text in (*self.players, *self.recordings):
            _expect.text("players and recordings", text)
        for seat in self.demonstrated:
            _expect.whole("demonstrated", seat, 0, len(self.players) - 1)
        _expect(
            len(set(self.demonstrated)) == len(self.demonstrated) > 0,
            f"demonstrated: expected one seat or more, each once, got {self.demonstrated!r}",
        )
        _expect(
            self.observation_type in ("", "uint8", "float32")
            and (self.observation_type != "") == (self.observation_size > 0),
            "observation_type and observation_size: expected both or neither, got "
            f"{self.observation_type!r} and {self.observation_size!r}",
        )

    @property
    def stores_observations(self) -> bool:
        return self.observation_size > 0

    def to_json(self) -> str:
        """One line of JSON; `from_json` reads it back to an equal header."""
        return strict_json.dump_object(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> TrajectoryHeader:
        """Read a header. Raises TrajectoryError."""
        try:
            values = strict_json.parse_object(data)
        except ValueError as error:
            raise TrajectoryError(f"the header is not sound JSON: {error}") from error
        names = {entry.name for entry in fields(cls)}
        _expect(
            set(values) == names,
            f"header: expected the keys {sorted(names)}, got {sorted(values)}",
        )
        arguments: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**arguments)


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode, from its first tick to its end.

    seed: of the episode, unsigned 64 bit
    level: uint8 [height, width] starting tiles; [0, 0] where the game has none
    state: what `batch.save_state` gave before the first tick; empty for a foreign game
    actions: uint8 [ticks, players]
    result: per player +1 won, 0 drawn or open, -1 lost
    terminated: ended by the rules; False where the recording or a limit cut it off
    observations: [ticks, players, values] before each action, or None
    masks: uint8 [ticks, players, actions] legal before each action, or None
    """

    seed: int
    level: np.ndarray
    state: bytes
    actions: np.ndarray
    result: tuple[int, ...]
    terminated: bool = True
    observations: np.ndarray | None = None
    masks: np.ndarray | None = None

    @property
    def ticks(self) -> int:
        return len(self.actions)


@dataclass(frozen=True)
class TrajectoryFile:
    """A header and the episodes under it; they are checked against each other when made."""

    header: TrajectoryHeader
    episodes: tuple[Episode, ...]

    def __post_init__(self) -> None:
        for number, episode in enumerate(self.episodes, start=1):
            try:
                check_episode(self.header, episode)
            except TrajectoryError as error:
                raise TrajectoryError(f"episode {number}: {error}") from error
        _expect(
            len({(episode.level.shape, len(episode.state)) for episode in self.episodes}) <= 1,
            "expected levels of one size and states of one length in all episodes",
        )

    @property
    def ticks(self) -> int:
        """Ticks of all episodes together."""
        return sum(episode.ticks for episode in self.episodes)

    @property
    def transitions(self) -> int:
        """Demonstrated transitions: ticks times demonstrated seats."""
        return self.ticks * len(self.header.demonstrated)

    def save_npz(self, path: str | Path) -> None:
        """Write the file, whole or not at all; one that exists is replaced.

        Raises TrajectoryError where there is no episode, OSError where it cannot be written.
        """
        _expect(bool(self.episodes), "expected one episode or more to save, got none")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self._columns())
        atomic_write(path, buffer.getvalue())

    def _columns(self) -> dict[str, Any]:
        episodes = self.episodes
        columns: dict[str, Any] = {
            "header": np.frombuffer(self.header.to_json().encode(), np.uint8),
            "seeds": np.array([episode.seed for episode in episodes], np.uint64),
            "ticks": np.array([episode.ticks for episode in episodes], np.int64),
            "terminated": np.array([episode.terminated for episode in episodes], bool),
            "results": np.array([episode.result for episode in episodes], np.int8),
            "levels": np.stack([episode.level for episode in episodes]),
            "states": np.stack([np.frombuffer(episode.state, np.uint8) for episode in episodes]),
            "actions": np.concatenate([episode.actions for episode in episodes]),
        }
        if self.header.stores_observations:
            columns["observations"] = np.concatenate([e.observations for e in episodes])
            columns["masks"] = np.concatenate([e.masks for e in episodes])
        return columns


def load_trajectories(
    source: str | Path | Sequence[str | Path],
    *,
    game: str | None = None,
    layout_hash: str | None = None,
) -> TrajectoryFile:
    """Read one file, or several that then count as one.

    game, layout_hash: what they must have been played with; None accepts any

    Raises TrajectoryError for a file that is missing, damaged, too large when unpacked, or of
    another game or layout. Shapes are checked before anything is unpacked.
    """
    paths = [source] if isinstance(source, (str, Path)) else list(source)
    _expect(bool(paths), "expected one trajectory file or more, got none")
    loaded = []
    for path in paths:
        data = read_regular_file(
            path, limit=MAX_FILE_BYTES, missing=TrajectoryError, refused=TrajectoryError
        )
        try:
            trajectories = _parse_npz(data)
            _check_purpose(trajectories.header, game, layout_hash)
        except TrajectoryError as error:
            raise TrajectoryError(f"{path}: {error}") from error
        loaded.append(trajectories)
    return concatenate(loaded)


def concatenate(parts: Iterable[TrajectoryFile]) -> TrajectoryFile:
    """The episodes of several sittings under the first one's header, which then names everybody who
    sat in a seat, by commas.

    Raises TrajectoryError where they differ in what learning depends on, or where one sitting
    comes twice.
    """
    parts = list(parts)
    _expect(bool(parts), "expected one trajectory file or more, got none")
    first = parts[0].header
    recordings: list[str] = []
    for part in parts:
        for name in (
            "game",
            "game_version",
            "layout_hash",
            "demonstrated",
            "actions",
            "tick_rate",
            "observation_type",
            "observation_size",
        ):
            ours, theirs = getattr(first, name), getattr(part.header, name)
            _expect(
                ours == theirs,
                f"recordings that differ in {name} cannot be joined: expected {ours!r}, "
                f"got {theirs!r}; use files of one kind",
            )
        _expect(
            len(part.header.players) == len(first.players),
            "recordings of different numbers of players cannot be joined; use files of one kind",
        )
        recordings += part.header.recordings
    twice = sorted({name for name in recordings if recordings.count(name) > 1})
    _expect(not twice, f"the same sitting ({', '.join(twice)}) comes twice; name each file once")
    return TrajectoryFile(
        replace(first, recordings=tuple(recordings), players=_joined([p.header for p in parts])),
        tuple(episode for part in parts for episode in part.episodes),
    )


def _joined(headers: Sequence[TrajectoryHeader]) -> tuple[str, ...]:
    """The names of each seat, each once; of too many to name the first."""
    seats = zip(*(header.players for header in headers), strict=True)
    joined = (
        ",".join(dict.fromkeys(name for names in seat for name in names.split(",")))
        for seat in seats
    )
    return tuple(
        # Up to the last comma that leaves whole names.
        names if len(names) <= LONGEST_NAME else names[: LONGEST_NAME + 1].rpartition(",")[0]
        for names in joined
    )


def check_episode(header: TrajectoryHeader, episode: Episode) -> None:
    """Raise TrajectoryError unless the episode's arrays are what the header promises."""
    players, ticks = len(header.players), len(episode.actions)
    _expect.whole("seed", episode.seed, 0, (1 << 64) - 1)
    _expect_array("level", episode.level, "uint8", np.shape(episode.level)[:2])
    _expect(episode.level.ndim == 2, f"level: expected [height, width], got {episode.level.shape}")
    _expect_array("actions", episode.actions, "uint8", (ticks, players))
    _expect(ticks > 0, "expected one tick or more, got none")
    highest = int(episode.actions.max())
    _expect(
        highest < header.actions,
        f"actions: expected 0 to {header.actions - 1}, got {highest}; recorded with other rules?",
    )
    _expect(
        len(episode.result) == players and set(episode.result) <= {-1, 0, 1},
        f"result: expected -1, 0 or 1 for each of {players} players, got {episode.result!r}",
    )
    if header.stores_observations:
        shape = (ticks, players, header.observation_size)
        _expect_array("observations", episode.observations, header.observation_type, shape)
        _expect_array("masks", episode.masks, "uint8", (ticks, players, header.actions))
        observations: Any = episode.observations
        _expect(bool(np.isfinite(observations).all()), "observations: expected finite values")
    else:
        _expect(
            episode.observations is None and episode.masks is None,
            "got observations that the header does not announce (observation_type, _size)",
        )


def _parse_npz(data: bytes) -> TrajectoryFile:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_archive(archive)
    except TrajectoryError:
        raise
    except Exception as error:  # zip, npy and zlib have a dozen error types between them
        raise TrajectoryError(
            f"expected a trajectory file (npz), got a damaged or other file: {error}; "
            "record it again, or recover its journal if there is one"
        ) from error


def _read_archive(archive: zipfile.ZipFile) -> TrajectoryFile:
    entries = {entry.filename: entry for entry in archive.infolist()}
    _expect(
        len(entries) == len(archive.infolist()) and "header.npy" in entries,
        "expected a trajectory file, got an npz without a header; was it made by another tool?",
    )
    declared = {
        name.removesuffix(".npy"): _declared(archive, entry) for name, entry in entries.items()
    }
    total = sum(entry.file_size for entry in entries.values())
    _expect(
        total <= MAX_UNPACKED_BYTES,
        f"expected at most {MAX_UNPACKED_BYTES:,} bytes unpacked, got {total:,}; split the file",
    )
    header_size = _extent(declared["header"], 0)
    _expect_declared(declared, "header", "uint8", (header_size,))
    header = TrajectoryHeader.from_json(_read_array(archive, "header").tobytes())
    _check_declared(declared, header)
    arrays = {name: _read_array(archive, name) for name in declared if name != "header"}
    lengths = arrays["ticks"]
    _expect(
        bool((lengths > 0).all()) and int(lengths.sum()) == len(arrays["actions"]),
        f"expected as many actions as ticks ({int(lengths.sum())}), got {len(arrays['actions'])}",
    )
    stops = np.cumsum(lengths).tolist()
    starts = [0, *stops[:-1]]
    return TrajectoryFile(
        header,
        tuple(
            _episode(arrays, index, slice(start, stop))
            for index, (start, stop) in enumerate(zip(starts, stops, strict=True))
        ),
    )


def _episode(arrays: dict[str, np.ndarray], index: int, ticks: slice) -> Episode:
    return Episode(
        seed=int(arrays["seeds"][index]),
        level=arrays["levels"][index],
        state=arrays["states"][index].tobytes(),
        actions=arrays["actions"][ticks],
        result=tuple(arrays["results"][index].tolist()),
        terminated=bool(arrays["terminated"][index]),
        observations=arrays["observations"][ticks] if "observations" in arrays else None,
        masks=arrays["masks"][ticks] if "masks" in arrays else None,
    )


def _check_declared(
    declared: dict[str, tuple[tuple[int, ...], np.dtype[Any]]], header: TrajectoryHeader
) -> None:
    """Compare every array's declared dtype and shape with those the header calls for."""
    expected_names = {"header", "seeds", "ticks", "terminated", "results", "levels", "states"}
    expected_names |= {"actions"}
    if header.stores_observations:
        expected_names |= {"observations", "masks"}
    _expect(
        set(declared) == expected_names,
        f"expected the arrays {sorted(expected_names)}, got {sorted(declared)}",
    )
    players, episodes = len(header.players), _extent(declared["seeds"], 0)
    ticks = _extent(declared["actions"], 0)
    levels, states = declared["levels"], declared["states"]
    for name, dtype, shape in (
        ("seeds", "uint64", (episodes,)),
        ("ticks", "int64", (episodes,)),
        ("terminated", "bool", (episodes,)),
        ("results", "int8", (episodes, players)),
        ("levels", "uint8", (episodes, _extent(levels, 1), _extent(levels, 2))),
        ("states", "uint8", (episodes, _extent(states, 1))),
        ("actions", "uint8", (ticks, players)),
    ):
        _expect_declared(declared, name, dtype, shape)
    if header.stores_observations:
        shape = (ticks, players, header.observation_size)
        _expect_declared(declared, "observations", header.observation_type, shape)
        _expect_declared(declared, "masks", "uint8", (ticks, players, header.actions))


def _declared(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """(shape, dtype) from an array's own header, which alone is unpacked."""
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        _expect(version in ((1, 0), (2, 0)), f"{entry.filename}: npy version {version}")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran_order, dtype = read(file)
        start = file.tell()
    _expect(
        not fortran_order and not dtype.hasobject and all(0 <= n < _MAX_COUNT for n in shape),
        f"{entry.filename}: expected a plain array, got {dtype} {shape}",
    )
    size = start + math.prod(shape) * dtype.itemsize
    _expect(
        size == entry.file_size,
        f"{entry.filename}: expected {size:,} bytes for {dtype} {shape}, got {entry.file_size:,}",
    )
    return shape, dtype


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array, read-only. The zip's checksum is verified on the way."""
    array: np.ndarray = np.lib.format.read_array(
        io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False
    )
    array.setflags(write=False)
    return array


def _extent(declared: tuple[tuple[int, ...], np.dtype[Any]], axis: int) -> int:
    shape, _ = declared
    return shape[axis] if axis < len(shape) else 0


def _expect_declared(
    declared: dict[str, tuple[tuple[int, ...], np.dtype[Any]]],
    name: str,
    dtype: str,
    shape: tuple[int, ...],
) -> None:
    found_shape, found_dtype = declared[name]
    _expect(
        found_shape == shape and found_dtype == np.dtype(dtype),
        f"{name}: expected {dtype} {shape}, got {found_dtype} {found_shape}",
    )


def _check_purpose(header: TrajectoryHeader, game: str | None, layout_hash: str | None) -> None:
    _expect(
        game is None or header.game == game,
        f"expected demonstrations of the game {game!r}, got {header.game!r}; "
        f"record some of {game!r}",
    )
    _expect(
        layout_hash is None or header.layout_hash == layout_hash,
        f"expected demonstrations of observation layout {layout_hash}, got {header.layout_hash} "
        f"(version {header.game_version} of {header.game}); record them again with this version",
    )


def _expect_array(name: str, array: Any, dtype: str, shape: tuple[int, ...]) -> None:
    _expect(isinstance(array, np.ndarray), f"{name}: expected an array, got {type(array).__name__}")
    _expect(
        array.dtype == np.dtype(dtype) and array.shape == shape,
        f"{name}: expected {dtype} {shape}, got {array.dtype} {array.shape}",
    )
