"""Recorded matches, played again from their first tick: what the replay screen shows.

A match is played through once when it is opened; after that every tick of it is at hand, so that
going back is as quick as going on. Knows no pygame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError, TrajectoryError
from engine_plugin.host.match import FACING_ACTIONS, RoundResult, Snapshot
from engine_plugin.host.seats import label_of
from engine_plugin.trajectory import Episode, TrajectoryHeader, load_trajectories
from fastenv import GameSpec

MOST_TICKS = 20_000
"""Of one match; every tick is kept in memory while the match is shown."""


@dataclass(frozen=True)
class Decision:
    """What one player could do and did in one tick.

    action: index of the action played; legal, survivable: bool by action
    """

    action: int
    legal: tuple[bool, ...]
    survivable: tuple[bool, ...]


@dataclass(frozen=True)
class Player:
    """Somebody in a seat, as the panel shows it."""

    label: str


@dataclass(frozen=True, eq=False)
class RecordedMatch:
    """One episode of a trajectory file, not yet played again.

    title: after the file's name; header: whom it names; episode: what happened
    """

    title: str
    header: TrajectoryHeader
    episode: Episode


class Replay:
    """A recorded match at one of its ticks: what `Match` is to a match that is played.

    before, after, start_tiles, facing, spec, seats: as in `Match`; a recording that begins in the
        middle of a round has the start_tiles of the round
    tick: ticks from the recording's beginning; decisions: of every player in the tick that leads on
        from here, None at the end
    """

    def __init__(self, recorded: RecordedMatch) -> None:
        """Raises TrajectoryError where it does not play out as recorded."""
        self.recorded = recorded
        self.spec = fastenv.game_spec(recorded.header.game)
        self.seats = [Player(label_of(name)) for name in recorded.header.players]
        self._snapshots: list[Snapshot] = []
        self._facings: list[list[str]] = []
        self._decisions: list[tuple[Decision, ...]] = []
        self._play(recorded.episode)
        self.tick = 0

    @property
    def ticks(self) -> int:
        return self.recorded.episode.ticks

    @property
    def before(self) -> Snapshot:
        return self._snapshots[max(0, self.tick - 1)]

    @property
    def after(self) -> Snapshot:
        return self._snapshots[self.tick]

    @property
    def facing(self) -> list[str]:
        return self._facings[self.tick]

    @property
    def decisions(self) -> tuple[Decision, ...] | None:
        return self._decisions[self.tick] if self.tick < self.ticks else None

    @property
    def over(self) -> bool:
        """Whether this is the last tick."""
        return self.tick == self.ticks

    @cached_property
    def result(self) -> RoundResult | None:
        """How it ended; None where the recording stops before the end."""
        if not self._ended:
            return None
        outcome = self.recorded.episode.result
        winner = outcome.index(1) if 1 in outcome else None
        return RoundResult(winner, self._snapshots[-1]["tick"])

    @property
    def result_words(self) -> tuple[str, str]:
        """How it ended: a text, of which the winner's name may be long, and the verb after it."""
        if self.result is None:
            return "the recording stops here", ""
        winner = self.result.winner
        return ("draw", "") if winner is None else (self.seats[winner].label, " wins")

    def seek(self, tick: int) -> None:
        """Go to a tick; beyond the ends, to the end."""
        self.tick = max(0, min(tick, self.ticks))

    def _play(self, episode: Episode) -> None:
        if episode.ticks > MOST_TICKS:
            raise TrajectoryError(
                f"expected at most {MOST_TICKS:,} ticks a match, got {episode.ticks:,}"
            )
        batch = fastenv.make_batch(
            self.spec.name,
            num_envs=1,
            levels=[fastenv.Level.from_tiles(episode.level, self.spec)],
            autoreset=False,
        )
        self.start_tiles: np.ndarray = batch.snapshot(0)["tiles"]
        try:
            batch.load_state(0, episode.state)
        except fastenv.StateError as error:
            raise TrajectoryError(f"it cannot be played again: {error}") from error
        facing = ["down"] * self.spec.players
        self._snapshots.append(batch.snapshot(0))
        self._facings.append(list(facing))
        for number, actions in enumerate(episode.actions, start=1):
            if batch.terminated[0] or batch.truncated[0]:
                raise TrajectoryError(
                    f"it ends after {number - 1} ticks and not after {episode.ticks} as recorded; "
                    f"it was made by another version of {self.spec.name}"
                )
            self._decisions.append(_decisions(batch, actions))
            batch.step(np.ascontiguousarray(actions[None]))
            self._snapshots.append(batch.snapshot(0))
            for player, action in enumerate(actions):
                name = self.spec.actions[action]
                if name in FACING_ACTIONS:
                    facing[player] = name
            self._facings.append(list(facing))
        played = tuple(int(value) for value in np.sign(batch.rewards[0]))
        # What was cut off has no result of the game; what ended must end like this again, by the
        # rules or by the game's limit.
        self._ended = bool(batch.terminated[0] or batch.truncated[0])
        if episode.terminated and (not self._ended or played != tuple(episode.result)):
            raise TrajectoryError(
                f"it does not end as recorded ({played}, not {tuple(episode.result)}); it was made "
                f"by another version of {self.spec.name}"
            )


class Playlist:
    """The matches of a file, or of all files of a folder, and the one that is shown.

    problems: what is wrong with matches that had to be left out, or nothing

    Raises TrajectoryError, ConfigError or UnknownGameError for what cannot be shown at all.
    """

    def __init__(self, path: Path, number: int | None = None) -> None:
        """number: of the match to begin with, from 1; None begins with the first that plays out as
        recorded."""
        self.path = path
        self.matches, damaged = _recorded(path)
        self.spec = self._one_game()
        if number is not None and not 1 <= number <= len(self.matches):
            raise ConfigError(
                f"expected --match from 1 to {len(self.matches)} for {path}, got {number}"
            )
        if number is None:
            self.number = 0
            left_out = self.go(1)
            if not self.number:
                raise TrajectoryError(left_out)
            self.problems = " ".join([*damaged, *([left_out] if left_out else [])])
        else:
            self.replay, self.number = self._open(number), number
            self.problems = " ".join(damaged)

    def __len__(self) -> int:
        return len(self.matches)

    def go(self, step: int) -> str:
        """Open the next match (step 1) or the one before (-1); at the ends it stays.

        Returns what is wrong with the ones that had to be left out, or nothing.
        """
        problems = []
        number = self.number + step
        while 1 <= number <= len(self):
            try:
                self.replay = self._open(number)
            except TrajectoryError as error:
                problems.append(str(error))
                number += step
            else:
                self.number = number
                break
        return " ".join(problems)

    def report(self) -> dict[str, Any]:
        """The match that is shown as JSON-ready data; "winner" is 1, 2 or None."""
        replay = self.replay
        result = replay.result
        return {
            "replay": str(self.path),
            "match": self.number,
            "matches": len(self),
            "title": replay.recorded.title,
            "agents": list(replay.recorded.header.players),
            "result": "unfinished" if result is None else result.text,
            "winner": None if result is None or result.winner is None else result.winner + 1,
            "ticks": replay.ticks,
        }

    def _open(self, number: int) -> Replay:
        recorded = self.matches[number - 1]
        try:
            return Replay(recorded)
        except (TrajectoryError, fastenv.FastenvError) as error:
            raise TrajectoryError(f"{self.path}, match {number}: {error}") from error

    def _one_game(self) -> GameSpec:
        games = sorted({match.header.game for match in self.matches})
        if len(games) > 1:
            raise ConfigError(f"{self.path} has matches of several games: {', '.join(games)}")
        return fastenv.game_spec(games[0])


def _recorded(path: Path) -> tuple[list[RecordedMatch], list[str]]:
    """Every episode of a file, or of the npz files of a folder by name; and what is wrong with
    files of the folder that had to be left out. Raises TrajectoryError where none is left."""
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not files:
        raise TrajectoryError(f"expected trajectory files (.npz) in {path}, found none")
    matches: list[RecordedMatch] = []
    damaged = []
    for file in files:
        try:
            matches += _matches_of(file)
        except TrajectoryError as error:
            damaged.append(str(error))
    if not matches:
        raise TrajectoryError(" ".join(damaged) or f"{path} holds no match")
    return matches, damaged


def _matches_of(file: Path) -> list[RecordedMatch]:
    loaded = load_trajectories(file)
    spec = fastenv.game_spec(loaded.header.game)
    if loaded.header.layout_hash != spec.layout_hash:
        raise TrajectoryError(
            f"{file}: recorded with version {loaded.header.game_version} of {spec.name}, this "
            f"is version {spec.version}; use the version that it was recorded with"
        )
    if len(loaded.header.players) != spec.players:
        raise TrajectoryError(
            f"{file}: {spec.name} has {spec.players} players, got {len(loaded.header.players)}"
        )
    # "01-upset" is called "upset": where in the list it is, stands beside it.
    title = file.stem.lstrip("0123456789-") or file.stem
    return [RecordedMatch(title, loaded.header, each) for each in loaded.episodes]


def _decisions(batch: fastenv.BatchEnv, actions: np.ndarray) -> tuple[Decision, ...]:
    survivable = batch.survivable_mask()[0]
    return tuple(
        Decision(
            int(action),
            tuple((batch.legal_mask[0, player] != 0).tolist()),
            tuple((survivable[player] != 0).tolist()),
        )
        for player, action in enumerate(actions)
    )
