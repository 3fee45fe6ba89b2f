"""Recording a person's rounds as demonstrations, switched on and off while playing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine_plugin.checks import LONGEST_NAME
from engine_plugin.host.match import Match
from engine_plugin.host.seats import label_of
from engine_plugin.runtime.recorder import DemonstrationRecorder
from engine_plugin.trajectory import TrajectoryHeader

DEMONSTRATED_SEAT = 0
FOLDER = Path("demos")


class RoundRecording:
    """Writes what is played into one demonstration file; an existing one is continued.

    Whoever sits in the first seat when it starts is the demonstrator. When somebody else takes that
    seat, the round is dropped and recording pauses until the demonstrator begins a round.

    path: of the file; without one it is called after game and demonstrator
    """

    def __init__(self, match: Match, path: Path | None, seed: int) -> None:
        self._match = match
        self._path = path
        self._seed = seed
        self._demonstrator = match.seats[DEMONSTRATED_SEAT].name
        self._recorder: DemonstrationRecorder | None = None

    @property
    def path(self) -> Path:
        who = label_of(self._demonstrator)
        return self._path or FOLDER / f"{self._match.spec.name}-{who}.npz"

    @property
    def on(self) -> bool:
        return self._recorder is not None

    @property
    def writing(self) -> bool:
        """Whether the running round is being recorded."""
        return self._recorder is not None and self._recorder.recording

    @property
    def kept_rounds(self) -> int:
        """Rounds of this recording that are not discarded."""
        return 0 if self._recorder is None else self._recorder.episodes

    def start(self) -> None:
        """Open the file. Raises TrajectoryError if it is damaged or of another kind."""
        spec = self._match.spec
        self._demonstrator = self._match.seats[DEMONSTRATED_SEAT].name
        header = TrajectoryHeader(
            game=spec.name,
            game_version=spec.version,
            layout_hash=spec.layout_hash,
            # Of a long path the end says more.
            players=tuple(seat.name[-LONGEST_NAME:] for seat in self._match.seats),
            demonstrated=(DEMONSTRATED_SEAT,),
            actions=len(spec.actions),
            tick_rate=spec.tick_rate,
            seed=self._seed,
        )
        self._recorder = DemonstrationRecorder(self.path, header, append=True)

    def begin(self) -> None:
        """Record from the match's present state on; nothing if a stranger sits there."""
        seat = self._match.seats[DEMONSTRATED_SEAT]
        if self._recorder is not None and seat.name == self._demonstrator:
            self._recorder.begin_episode(
                self._match.seed, self._match.level.tiles, self._match.batch.save_state(0)
            )

    def add(self, actions: np.ndarray) -> None:
        """One tick: uint8 [players]."""
        if self._recorder is not None and self._recorder.recording:
            self._recorder.add(actions)

    def end(self) -> None:
        """The round is over."""
        if self._recorder is not None and self._recorder.recording:
            batch = self._match.batch
            outcome = [int(value) for value in np.sign(batch.rewards[0])]
            self._recorder.end_episode(outcome, terminated=bool(batch.terminated[0]))

    def abandon(self) -> None:
        """Drop the running round."""
        if self._recorder is not None and self._recorder.recording:
            self._recorder.abandon_episode()

    def discard(self) -> bool:
        """Take back the last finished round; False where there is none."""
        return self._recorder is not None and self._recorder.discard_last()

    def stop(self) -> int | None:
        """Write the file; a running round is kept as far as it went.

        Returns how many rounds the file holds now, None if nothing was ever recorded. Raises
        TrajectoryError where the disk refuses.
        """
        if self._recorder is None:
            return None
        written = self._recorder.close()
        self._recorder = None
        return None if written is None else len(written.episodes)
