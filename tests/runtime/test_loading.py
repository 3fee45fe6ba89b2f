"""Loading: every bad file ends in one typed error, and before onnxruntime sees it."""

from __future__ import annotations

import contextlib
import hashlib
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine_plugin.errors import ModelBrokenError, ModelError, ModelMismatchError, ModelMissingError
from engine_plugin.runtime import loading
from engine_plugin.runtime.inspection import inspect_model
from engine_plugin.runtime.loading import read_model, shipped_models
from engine_plugin.runtime.manifest import write_manifest
from engine_plugin.runtime.policy import load_policy


@pytest.fixture
def folder(tmp_path, make_model):
    (tmp_path / "good.onnx").write_bytes(make_model())
    return tmp_path


def test_bytes_and_card_come_back(folder, make_model, make_card):
    for source in (folder / "good.onnx", str(folder / "good.onnx"), make_model()):
        assert read_model(source) == (make_model(), make_card())


def test_a_missing_file(folder):
    with pytest.raises(ModelMissingError, match="no such file"):
        load_policy(folder / "absent.onnx")


def test_a_folder_a_link_and_a_pipe_are_refused(folder):
    (folder / "link.onnx").symlink_to(folder / "good.onnx")
    os.mkfifo(folder / "pipe.onnx")
    for name, says in (("", "folder"), ("link.onnx", "link"), ("pipe.onnx", "device")):
        with pytest.raises(ModelBrokenError, match=says):
            load_policy(folder / name)


def test_a_file_above_the_cap_is_refused(folder):
    with open(folder / "huge.onnx", "wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ModelBrokenError, match="at most"):
        load_policy(folder / "huge.onnx")


def test_every_truncation_is_refused(make_model):
    data = make_model()
    for size in range(len(data)):
        with pytest.raises(ModelBrokenError):
            read_model(data[:size])


@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises(ModelBrokenError):
        read_model(data)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bits_never_end_in_another_error(make_model, data):
    model = bytearray(make_model())
    bit = data.draw(st.integers(0, 8 * len(model) - 1))
    model[bit // 8] ^= 1 << (bit % 8)
    with contextlib.suppress(ModelError):
        load_policy(bytes(model))


def test_trailing_bytes_are_refused(make_model):
    with pytest.raises(ModelBrokenError):
        read_model(make_model() + b"\x00\x00")


def test_a_manifest_beside_the_model_catches_every_change(folder):
    write_manifest(folder)
    load_policy(folder / "good.onnx")
    data = bytearray((folder / "good.onnx").read_bytes())
    data[data.index(b"toy policy")] ^= 1
    (folder / "good.onnx").write_bytes(data)
    with pytest.raises(ModelBrokenError, match=r"good.onnx: expected SHA-256"):
        load_policy(folder / "good.onnx")


def test_a_model_that_the_manifest_does_not_list_loads(folder, make_model):
    write_manifest(folder)
    (folder / "own.onnx").write_bytes(make_model())
    load_policy(folder / "own.onnx")


@pytest.mark.parametrize(
    "text",
    [b"", b'{"models": {}}', b'{"schema": 2, "models": {}}', b'{"schema": 1, "models": {"a": {}}}'],
)
def test_a_damaged_manifest_is_not_ignored(folder, text):
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(ModelBrokenError, match=r"manifest\.json"):
        load_policy(folder / "good.onnx")


@pytest.mark.parametrize("text", [b"{}", b'{"name": "my game", "icons": []}', b"[1]"])
def test_the_manifest_of_another_tool_says_nothing(folder, text):
    (folder / "manifest.json").write_bytes(text)
    load_policy(folder / "good.onnx")


def test_an_expected_digest(make_model):
    digest = hashlib.sha256(make_model()).hexdigest()
    read_model(make_model(), expected_sha256=digest.upper())
    with pytest.raises(ModelBrokenError, match="SHA-256"):
        read_model(make_model(), expected_sha256="0" * 64)


def test_a_model_without_a_card(make_model):
    with pytest.raises(ModelBrokenError, match="card"):
        load_policy(make_model(card_text=""))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_weights_that_are_not_finite(make_model, bad, dtype):
    with pytest.raises(ModelBrokenError, match="finite weights"):
        load_policy(make_model(weights=np.full((4, 3), bad, dtype)))


def test_typed_weights_are_looked_at_as_well(make_model, edit_model):
    def retype(model, values):
        tensor = helper.make_tensor("weights", TensorProto.FLOAT, [4, 3], values)
        model.graph.initializer[0].CopyFrom(tensor)

    load_policy(edit_model(make_model(), lambda model: retype(model, [0.5] * 12)))
    with pytest.raises(ModelBrokenError, match="finite"):
        load_policy(edit_model(make_model(), lambda model: retype(model, [np.nan] * 12)))


def _external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def _subgraph(model):
    branch = helper.make_graph([], "branch", [], [])
    model.graph.node.append(helper.make_node("Identity", ["x"], ["y"], body=branch))


def _wrong_shape(model):
    model.graph.initializer[0].dims[0] = 1 << 40


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_external, "other files"),
        (_subgraph, "subgraphs"),
        (_wrong_shape, "needs"),
        (lambda model: model.functions.add(name="f"), "functions"),
        (lambda model: model.graph.sparse_initializer.add(), "sparse"),
        (lambda model: model.graph.initializer[0].dims.extend([1] * 99), "dimensions"),
        (lambda model: setattr(model.graph.node[0], "op_type", "Loop"), "Loop"),
        (lambda model: setattr(model.graph.node[0], "domain", "com.evil"), "domains"),
        (lambda model: model.graph.node.extend([model.graph.node[0]] * 2000), "nodes"),
        (lambda model: model.ClearField("graph"), "graph"),
        (lambda model: model.metadata_props.append(model.metadata_props[1]), "one card"),
    ],
)
def test_what_a_model_of_ours_never_holds(make_model, edit_model, change, says):
    with pytest.raises(ModelBrokenError, match=says):
        load_policy(edit_model(make_model(), change))


def test_a_graph_that_onnxruntime_refuses(make_model):
    broken = helper.make_node("MatMul", ["weights", "weights"], ["unused"])
    with pytest.raises(ModelBrokenError, match="cannot load 'toy policy'"):
        load_policy(make_model(extra_nodes=(broken,)))


def test_another_game_layout_or_kind(make_model, make_card):
    card = make_card()
    load_policy(make_model(), game="toy", layout_hash=card.layout_hash)
    with pytest.raises(ModelMismatchError, match=r"'blast'.*'toy'"):
        load_policy(make_model(), game="blast")
    with pytest.raises(ModelMismatchError, match=f"layout 0000.*{card.layout_hash}"):
        load_policy(make_model(), layout_hash="0000")
    with pytest.raises(ModelMismatchError, match="load_policy"):
        loading.check_purpose(card, "generator", None, None)


def test_inputs_that_are_not_those_of_the_card(make_model, make_card):
    with pytest.raises(ModelMismatchError, match="expected the inputs"):
        load_policy(make_model(observation_name="pixels"))
    with pytest.raises(ModelMismatchError, match="observation as tensor"):
        load_policy(make_model(observation_type=TensorProto.FLOAT))
    with pytest.raises(ModelMismatchError, match="legal_mask"):
        load_policy(make_model(make_card(actions=("wait", "left"), layout=_layout(4))))
    with pytest.raises(ModelMismatchError, match="observation"):
        load_policy(make_model(make_card(layout=_layout(5))))


def _layout(size):
    return {"dtype": "uint8", "fields": [{"name": "cells", "shape": [size]}]}


def test_shipped_models_are_found_by_name(monkeypatch, tmp_path, make_model):
    game = tmp_path / "models" / "toy"
    game.mkdir(parents=True)
    (game / "style.onnx").write_bytes(make_model())
    monkeypatch.setattr(loading, "assets_folder", lambda: tmp_path)
    assert shipped_models() == ("toy/style",)
    assert load_policy("toy/style").card.name == "toy policy"
    with pytest.raises(ModelMissingError, match="there are: toy/style"):
        load_policy("toy/strong")
    write_manifest(game)
    (game / "style.onnx").write_bytes(make_model(weights=np.zeros((4, 3), np.float32)))
    with pytest.raises(ModelBrokenError, match="toy/style: expected SHA-256"):
        load_policy("toy/style")


def test_the_summary_counts(make_model):
    summary = inspect_model(make_model())
    assert (summary.nodes, summary.parameters) == (8, 13)
    assert "MatMul" in summary.operators


def test_scalars_and_empty_weights_are_fine(make_model, edit_model):
    def add(model):
        model.graph.initializer.append(numpy_helper.from_array(np.zeros((0, 3), np.int64), "none"))
        model.graph.initializer.append(helper.make_tensor("one", TensorProto.INT64, [], [-1]))
        model.graph.initializer.append(helper.make_tensor("two", TensorProto.INT32, [2], [-1, 300]))

    assert inspect_model(edit_model(make_model(), add)).parameters == 16
