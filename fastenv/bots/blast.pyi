"""Types of the scripted players for Blast; their manners stand in blast.pyx."""

from fastenv.games.game import ScriptedPlayer

BOTS: dict[str, ScriptedPlayer]
