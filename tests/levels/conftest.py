"""A generator that is quick to make: untrained, so nearly every level needs repair."""

from dataclasses import asdict, replace

import pytest

import fastenv
from engine_plugin.card import Card
from tests.levels.small_model import linear_model


@pytest.fixture(scope="session")
def card() -> Card:
    spec = fastenv.game_spec("blast")
    return Card(
        kind="generator",
        name="small",
        game="blast",
        game_version=spec.version,
        latent_size=4,
        conditions=(
            ("crates", 0.1, 0.7),
            ("symmetry_none", 0.0, 1.0),
            ("symmetry_rotate", 0.0, 1.0),
            ("symmetry_mirror", 0.0, 1.0),
        ),
        tiles=tuple((tile.name, tile.character) for tile in spec.tiles),
        height=spec.height,
        width=spec.width,
        constraints=asdict(spec.level_constraints),
    )


@pytest.fixture(scope="session")
def model(card: Card) -> bytes:
    return linear_model(card)


@pytest.fixture(scope="session")
def dungeon_model() -> bytes:
    """For a game that this project has never heard of, without border, seats or conditions."""
    return linear_model(
        Card(
            kind="generator",
            name="dungeon levels",
            game="dungeon",
            game_version=3,
            latent_size=2,
            conditions=(("depth", 1.0, 9.0),),
            tiles=(("grass", "."), ("water", "~"), ("hero", "@"), ("key", "k")),
            height=6,
            width=7,
            constraints={
                "exactly": [["hero", 1], ["key", 1]],
                "connected": ["hero"],
                "blocks_paths": ["water"],
                "reachable": ["key"],
            },
        )
    )


@pytest.fixture
def with_constraints(card: Card):
    """The same model with other constraints in its card."""
    return lambda **changes: linear_model(
        replace(card, constraints={**card.constraints, **changes})
    )
