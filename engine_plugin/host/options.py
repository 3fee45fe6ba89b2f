"""How a sitting at the host is set up; the command line shows these fields as its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine_plugin.errors import ConfigError

KEYBOARD = "keyboard"
STRONGEST = "{game}/hard"


@dataclass(frozen=True)
class PlayOptions:
    """Play a game against a trained agent, or watch two agents play. (A game of your own: `play
    GAME.py`.)"""

    game: str = "blast"
    """Name of the game."""

    opponent: str | None = None
    """Who sits opposite: a shipped model ("blast/hard"), a model file, or a scripted player
    ("bot:hunter"). Default: the strongest shipped model, or a scripted player where none ships."""

    player: str = "keyboard"
    """Who sits in your seat: "keyboard", or a model or scripted player to watch."""

    level: Path | None = None
    """A level file to play on every round. Default: a level generated for each round."""

    seed: int | None = None
    """Start of every random stream: the same seed gives the same levels and the same decisions.
    Default: a new one each time."""

    headless: bool = False
    """Without a window and without waiting: agents in both seats, one match."""

    screenshot: Path | None = None
    """Write a PNG picture of the liveliest moment here."""

    rounds: int | None = None
    """Stop after this many rounds. Default: one if headless, else until you quit."""

    json: bool = False
    """Print the result as one line of JSON."""

    replay: Path | None = None
    """Show recorded matches instead of playing: a trajectory file (a recording, a tournament's
    match), or a folder of them."""

    match: int | None = None
    """Number of the recorded match to begin with, from 1."""

    record: Path | None = None
    """Record the rounds that you play into this demonstration file (.npz); an existing one of the
    same game is continued. R in the window switches recording too."""

    scale: int | None = None
    """Screen pixels a picture pixel. Default: the largest up to 4 that fits the screen."""

    speed: float = 1.0
    """Factor on the game's own speed; 1.0 is 10 ticks a second for Blast."""

    fullscreen: bool = False
    """Start in fullscreen; F11 switches."""

    mute: bool = False
    """Start without sound; M switches."""

    def __post_init__(self) -> None:
        if self.rounds is not None and self.rounds < 1:
            raise ConfigError(f"expected --rounds of at least 1, got {self.rounds}")
        if self.scale is not None and not 1 <= self.scale <= 12:
            raise ConfigError(f"expected --scale from 1 to 12, got {self.scale}")
        if not 0.25 <= self.speed <= 8.0:
            raise ConfigError(f"expected --speed from 0.25 to 8, got {self.speed}")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ConfigError(f"expected --seed from 0 to 2**63 - 1, got {self.seed}")
        if self.match is not None and self.replay is None:
            raise ConfigError("--match is the number of a recorded match: give --replay FILE too")
        if self.record is not None and self.replay is not None:
            raise ConfigError("expected --record or --replay, got both")

    @property
    def opponent_name(self) -> str:
        """The opponent asked for, or the strongest shipped model."""
        return self.opponent or STRONGEST.format(game=self.game)
