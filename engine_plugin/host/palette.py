"""The colours of everything that is not a sprite."""

from __future__ import annotations

from engine_plugin.host.tileset import Colour

BACKGROUND: Colour = (24, 26, 40)
PANEL: Colour = (36, 40, 60)
PANEL_EDGE: Colour = (60, 66, 94)
TEXT: Colour = (226, 230, 240)
FAINT: Colour = (138, 146, 172)
WARNING: Colour = (246, 196, 54)
ALARM: Colour = (250, 92, 60)
GOOD: Colour = (126, 214, 120)
PLAYERS: tuple[Colour, ...] = ((84, 196, 250), (238, 82, 110))
