"""What a game's process is started for, as data: it is handed over as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

OWN_PLAYER = "own"
ROUND_FRAMES = 7_200  # a round is cut off after two minutes at 60 frames a second


@dataclass(frozen=True)
class Job:
    """What to do with a game; `run.py` says how.

    what: "act", "record" or "play"
    game: its file; seat: name of the seat that it is about, "" for the first one made
    drive: a seat for a game that has none, see `drive.py`
    streams: numbers that all randomness starts from, beside the round's own
    first_round: number of the round to begin with
    rounds: to play or record, 0 for as many as a person likes
    max_frames: a round is cut after as many
    drawing: draw, although nobody sees it
    asks: whether other seats ask the learner as well
    actions: names of those to choose from, empty for the declared ones
    forks: whether fresh processes are forked
    out, anew: the demonstration file, and whether what is there goes as soon as something comes in
        its place; else it is continued
    player: who plays: "" a person, "own" the seat's own model or script, a model's file, or
        FILE.py:FUNCTION
    headless: in virtual time, without a window
    """

    what: str
    game: str
    seat: str = ""
    drive: dict[str, Any] | None = None
    streams: tuple[int, ...] = (0,)
    first_round: int = 0
    rounds: int = 0
    max_frames: int = ROUND_FRAMES
    drawing: bool = False
    asks: bool = False
    actions: tuple[str, ...] = ()
    forks: bool = True
    out: str = ""
    anew: bool = False
    player: str = ""
    headless: bool = False

    def seed_of(self, number: int) -> int:
        """The seed that round `number` begins with."""
        return int(np.random.SeedSequence((*self.streams, number)).generate_state(1)[0])

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        facts = json.loads(text)
        facts["streams"], facts["actions"] = tuple(facts["streams"]), tuple(facts["actions"])
        return cls(**facts)
