"""Types of the compiled game Race; its rules stand in race.pyx."""

from fastenv.games.game import CompiledGame
from fastenv.spec import GameSpec

SPEC: GameSpec
GAME: RaceGame

class RaceGame(CompiledGame): ...
