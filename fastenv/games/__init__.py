"""Compiled games: `game.pxd` is the interface they share, each game is one file beside it."""
