"""Types of the compiled game Blast; its rules stand in blast.pyx."""

from fastenv.games.game import CompiledGame
from fastenv.spec import GameSpec

SPEC: GameSpec
GAME: BlastGame

class BlastGame(CompiledGame): ...
