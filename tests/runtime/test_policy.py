"""Decisions: greedy, softmax, masks, safety, memory, and errors that say what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from engine_plugin.card import Decision
from engine_plugin.errors import ConfigError, ModelBrokenError, ModelMismatchError
from engine_plugin.runtime.policy import load_policy

ALL = np.ones(3, np.uint8)
OBSERVATION = np.array([1, 5, 3, 0], np.uint8)


@pytest.fixture
def policy(make_model):
    return load_policy(make_model())


@pytest.fixture
def softmax(make_model, make_card):
    def load(temperature=1.0, seed=0):
        card = make_card(decision=Decision("softmax", temperature))
        return load_policy(make_model(card), seed=seed)

    return load


def test_greedy_takes_the_best_legal_action(policy):
    assert policy.act(OBSERVATION, ALL) == 1
    assert policy.act(OBSERVATION, np.array([1, 0, 1])) == 2
    assert policy.act(OBSERVATION, np.array([True, False, False])) == 0
    assert policy.act(OBSERVATION, np.array([0, 7, 0], np.int8)) == 1


def test_a_batch_decides_as_its_rows_do(policy):
    generator = np.random.default_rng(0)
    observations = generator.integers(0, 9, (50, 4), np.uint8)
    masks = generator.integers(0, 2, (50, 3), np.uint8)
    masks[:, 0] = 1
    actions = policy.act_batch(observations, masks)
    assert actions.dtype == np.int32
    assert actions.tolist() == [policy.act(o, m) for o, m in zip(observations, masks, strict=True)]


def test_q_values_are_those_of_the_model(policy):
    values = policy.q_values(OBSERVATION[None], np.array([[1, 1, 0]]))
    assert values.dtype == np.float32
    assert values.tolist() == [[1, 5, -1e9]]


def test_softmax_follows_the_values(softmax):
    observations = np.tile(np.array([1, 2, 9, 0], np.uint8), (20_000, 1))
    masks = np.tile(np.array([1, 1, 0], np.uint8), (20_000, 1))
    actions = softmax(temperature=0.5).act_batch(observations, masks)
    assert set(actions.tolist()) == {0, 1}
    assert (actions == 1).mean() == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)


def test_softmax_is_seeded(softmax):
    def play(policy):
        return [policy.act(np.zeros(4, np.uint8), ALL) for _ in range(40)]

    first = softmax(seed=3)
    sequence = play(first)
    assert play(softmax(seed=3)) == sequence
    assert play(softmax(seed=4)) != sequence
    first.reset(3)
    assert play(first) == sequence
    own = np.random.default_rng(3)
    shared = softmax(seed=8)
    sampled = [shared.act(np.zeros(4, np.uint8), ALL, generator=own) for _ in range(40)]
    assert sampled == sequence


def test_a_cold_softmax_is_greedy(softmax):
    assert {softmax(temperature=1e-6).act(OBSERVATION, ALL) for _ in range(20)} == {1}


def test_safety_restricts_to_what_can_be_survived(policy):
    safe = policy.with_decision(safety="survivable")
    assert safe.act(OBSERVATION, ALL, survivable_mask=np.array([1, 0, 1])) == 2
    assert safe.act(OBSERVATION, ALL, survivable_mask=np.zeros(3)) == 1, "doomed: any legal one"
    illegal_only = np.array([0, 0, 1])
    assert safe.act(OBSERVATION, np.array([1, 1, 0]), survivable_mask=illegal_only) == 1
    with pytest.raises(ModelMismatchError, match="pass survivable_mask"):
        safe.act(OBSERVATION, ALL)
    with pytest.raises(ModelMismatchError, match="survivable mask of shape"):
        safe.act(OBSERVATION, ALL, survivable_mask=np.ones(2))
    cautious = policy.with_decision(safety="cautious")
    assert cautious.act(OBSERVATION, ALL, survivable_mask=np.array([1, 0, 1])) == 2
    with pytest.raises(ModelMismatchError, match="caution=2"):
        cautious.act(OBSERVATION, ALL)
    assert policy.act(OBSERVATION, ALL) == 1, "the policy it came from is unchanged"
    assert policy.card.decision.safety == "none"


def test_another_decision_is_checked(policy):
    with pytest.raises(ConfigError, match="temperature"):
        policy.with_decision(rule="softmax", temperature=-1.0)


@pytest.mark.parametrize(
    ("observation", "mask", "says"),
    [
        (np.zeros(5, np.uint8), ALL, "4 values"),
        (np.zeros(4, np.float32), ALL, "uint8 observations"),
        (np.zeros(4, np.int64), ALL, "uint8 observations"),
        (np.zeros(4, np.uint8), np.ones(2), "3 actions"),
        (np.zeros(4, np.uint8), np.zeros(3), "legal action"),
    ],
)
def test_arrays_that_do_not_fit(policy, observation, mask, says):
    with pytest.raises(ModelMismatchError, match=says):
        policy.act(observation, mask)


def test_an_empty_batch_is_refused(policy):
    with pytest.raises(ModelMismatchError, match="one or more"):
        policy.act_batch(np.zeros((0, 4), np.uint8), np.zeros((0, 3), np.uint8))


def test_values_that_are_not_finite(make_model):
    with pytest.raises(ModelBrokenError, match="NaN or infinity"):
        load_policy(make_model(logarithm=True, weights=-np.ones((4, 3), np.float32))).act(
            OBSERVATION, ALL
        )


def test_a_float_policy_takes_floats(make_model, make_card):
    layout = {"dtype": "float32", "fields": [{"name": "x", "shape": [4]}]}
    model = make_model(make_card(layout=layout), observation_type=TensorProto.FLOAT)
    policy = load_policy(model)
    assert policy.act(np.array([0, 1, 2, 0], np.float64), ALL) == 2
    with pytest.raises(ModelMismatchError, match="finite observations"):
        policy.act(np.array([np.nan, 1, 2, 0], np.float32), ALL)


def test_a_recurrent_policy_remembers_until_it_is_reset(make_model):
    policy = load_policy(make_model(recurrent=True))
    observation = np.array([0, 2, 0, 0], np.uint8)
    assert policy.recurrent
    assert [policy.act(observation, ALL) for _ in range(4)] == [1, 1, 1, 2]
    policy.reset()
    assert policy.act(observation, ALL) == 1

    observations, masks = np.tile(observation, (2, 1)), np.tile(ALL, (2, 1))
    for _ in range(3):
        policy.act_batch(observations, masks)
    policy.forget(np.array([True, False]))
    assert policy.act_batch(observations, masks).tolist() == [1, 2]


def test_copies_share_the_model_and_nothing_else(make_model):
    policy = load_policy(make_model(recurrent=True))
    other = policy.copy()
    observation = np.array([0, 2, 0, 0], np.uint8)
    for _ in range(4):
        policy.act(observation, ALL)
    assert other.act(observation, ALL) == 1


def test_a_next_state_of_another_size_is_refused(make_model, edit_model):
    """It would be spread over the whole state without a word."""

    def narrow(model):
        model.graph.input[2].type.tensor_type.shape.dim[1].dim_value = 3
        model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axis"))
        node = next(node for node in model.graph.node if node.output[0] == "next_state")
        node.op_type = "ReduceSum"
        node.input[:] = ["state", "axis"]

    with pytest.raises(ModelMismatchError, match="next_state"):
        load_policy(edit_model(make_model(recurrent=True), narrow))
