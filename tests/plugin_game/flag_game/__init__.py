"""A game outside the engine's own package: the example of docs/adding-a-game.md."""
