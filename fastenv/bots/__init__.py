"""Scripted players: one compiled file a game, each with a table BOTS of its players by name."""
