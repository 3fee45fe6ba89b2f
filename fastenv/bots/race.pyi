"""Types of the scripted players for Race; their manners stand in race.pyx."""

from fastenv.games.game import ScriptedPlayer

BOTS: dict[str, ScriptedPlayer]
