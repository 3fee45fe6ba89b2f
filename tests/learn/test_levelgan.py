"""A level GAN trained for a few steps: its record, its model, its losses; not its levels."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("tf2onnx")

import tensorflow as tf

import fastenv
from engine_plugin.card import read_card
from engine_plugin.errors import ConfigError, OutputExistsError, ParityError
from engine_plugin.export import generator as export
from engine_plugin.export.generator import export_generator
from engine_plugin.learn.level_config import LevelGanConfig
from engine_plugin.learn.level_networks import Generator, LevelCritic
from engine_plugin.learn.levelgan import (
    command_line,
    corpus_conditions,
    critic_loss,
    generator_card,
    generator_loss,
    level_shape,
    straight_through,
    train_generator,
)
from engine_plugin.levels.corpus import seat_swap, template_tiles
from engine_plugin.levels.store import generate_to_folder
from engine_plugin.runtime.generator import load_generator

SPEC = fastenv.game_spec("blast")


def small(out, **changes) -> LevelGanConfig:
    values = {
        "out": str(out),
        "minutes": 5.0,
        "steps": 4,
        "corpus_levels": 12,
        "generator_channels": 8,
        "critic_channels": 8,
        "batch_size": 4,
        "evaluate_levels": 8,
    }
    return LevelGanConfig(**{**values, **changes})


@pytest.fixture
def eager():
    """Steps without tracing: for a handful of them the graph takes longer to build than to run."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("gan") / "run"
    return out, train_generator(small(out), export_generator)


def test_a_run_leaves_a_model_a_record_and_a_checkpoint(trained, tmp_path):
    out, path = trained
    assert path == out / "generator.onnx"
    assert sorted(entry.name for entry in out.iterdir()) == [
        "checkpoint.npz",
        "generator.onnx",
        "run.json",
    ]
    record = json.loads((out / "run.json").read_text())
    assert record["config"]["batch_size"] == 4 and record["seed"] == 0
    assert record["steps"] == 4 and record["parity"] <= 1e-4
    assert {"tensorflow", "keras", "tf2onnx"} <= set(record["versions"])
    card = read_card(path)
    assert card.kind == "generator" and card.game == "blast"
    assert card.training["command"].startswith("engine-plugin train generator --game blast")
    assert card.evaluation["valid"] == 1.0
    level = load_generator(path, game="blast").generate(1, conditions={"symmetry": "mirror"})[0]
    assert np.array_equal(seat_swap(SPEC)[level.tiles[:, ::-1]], level.tiles)
    assert generate_to_folder(path, 2, 1, None, tmp_path / "levels")["levels"] == 2


def test_an_existing_run_is_refused_and_a_resumed_one_goes_on(trained, eager):
    out, _ = trained
    with pytest.raises(OutputExistsError):
        train_generator(small(out), export_generator)
    train_generator(small(out, steps=6, resume=True), export_generator)
    record = json.loads((out / "run.json").read_text())
    assert [entry["step"] for entry in record["history"]] == [4, 6]
    with pytest.raises(ConfigError, match="resume"):
        train_generator(small(out, resume=True, seed=1), export_generator)
    with pytest.raises(ConfigError, match="resume"):
        train_generator(small(out.parent / "none", resume=True), export_generator)


def test_the_cross_entropy_of_the_original_trains_too(tmp_path, eager):
    config = small(tmp_path / "run", loss="gan", steps=2, evaluate_levels=2)
    path = train_generator(config, export_generator)
    assert "--loss gan" in read_card(path).training["command"]


def test_symmetric_conditions_give_symmetric_logits():
    generator = Generator(level_shape(SPEC), 8, seed=0)
    latent = np.random.default_rng(0).standard_normal((3, 32)).astype(np.float32)
    condition = np.array([[0.4, 1, 0, 0], [0.4, 0, 1, 0], [0.4, 0, 0, 1]], np.float32)
    none, rotated, mirrored = generator(tf.constant(latent), tf.constant(condition)).numpy()
    swap = seat_swap(SPEC)
    plain_columns = np.arange(13) != 6  # the axis is its own partner: seats stay as they are
    assert np.array_equal(
        mirrored[:, ::-1][..., swap][:, plain_columns], mirrored[:, plain_columns]
    )
    turned = rotated[::-1, ::-1][..., swap]
    assert np.array_equal(turned[:5], rotated[:5])
    assert not np.array_equal(none[:, ::-1][..., swap], none)
    for logits in (none, rotated, mirrored):
        assert (logits[0].argmax(-1) == SPEC.tile_id("wall")).all()


def test_losses_are_those_of_the_papers():
    real, fake = tf.constant([0.3, 2.0]), tf.constant([-0.4, 1.5])
    probability = 1 / (1 + np.exp(-np.array([0.3, 2.0, -0.4, 1.5])))
    expected = -np.log(probability[:2]).mean() - np.log(1 - probability[2:]).mean()
    assert critic_loss("gan", real, fake).numpy() == pytest.approx(expected, rel=1e-5)
    assert generator_loss("gan", fake).numpy() == pytest.approx(
        -np.log(probability[2:]).mean(), rel=1e-5
    )
    assert critic_loss("hinge", real, fake).numpy() == pytest.approx(
        (0.7 + 0) / 2 + (0.6 + 2.5) / 2
    )
    assert generator_loss("hinge", fake).numpy() == pytest.approx(-0.55)


def test_straight_through_is_hard_forward_and_soft_backward():
    logits = tf.constant([[0.2, 1.0, -0.5]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        level = straight_through(logits, tf.constant(0.5))
        first = level[:, 0]
    assert level.numpy().round(6).tolist() == [[0, 1, 0]]
    soft = tf.nn.softmax(logits / 0.5).numpy()[0]
    slopes = tape.gradient(first, logits).numpy()[0]
    assert slopes[0] == pytest.approx(soft[0] * (1 - soft[0]) / 0.5, rel=1e-4)


def test_a_spectral_critic_has_bounded_layers():
    critic = LevelCritic(level_shape(SPEC), 8, spectral=True, seed=0)
    levels = tf.one_hot(template_tiles(SPEC)[:4], 7)
    condition = tf.constant(corpus_conditions(template_tiles(SPEC)[:4], SPEC))
    for _ in range(30):
        assert critic(levels, condition, training=True).shape == (4,)
    for layer in (*critic.convolutions, critic.hidden, critic.judgement):
        kernel = layer.layer.kernel.numpy()
        assert np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2) < 1.1


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    generator = Generator(level_shape(SPEC), 8, seed=0)
    card = generator_card(SPEC, 32)
    path = tmp_path / "generator.onnx"
    assert export.export_generator(generator, card, path) <= 1e-4
    assert read_card(path) == card
    path.unlink()
    honest = export._to_onnx
    monkeypatch.setattr(
        export, "_to_onnx", lambda function, card: honest(lambda z, c: function(z, c) + 1e-3, card)
    )
    with pytest.raises(ParityError, match="not written"):
        export.export_generator(generator, card, path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_repeats_the_run():
    assert command_line(LevelGanConfig()) == (
        "engine-plugin train generator --game blast --minutes 6 --seed 0 --out runs/generator"
    )
    assert "--loss gan" in command_line(LevelGanConfig(loss="gan"))


@pytest.mark.parametrize(
    "changes", [{"minutes": 0}, {"batch_size": 1}, {"loss": "other"}, {"rate_end": math.nan}]
)
def test_settings_out_of_range_are_refused(changes, tmp_path):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        train_generator(small(tmp_path / "run", **changes), export_generator)
    assert not (tmp_path / "run").exists()
