"""How the discriminator's logit becomes a reward.

The discriminator D(s, a) = sigmoid(l) is trained so that D -> 1 on demonstrations and D -> 0 on the
agent's own transitions; its logit l(s, a) is high where a transition looks demonstrated. At its
optimum, with p_E the demonstrations' and p_A the agent's distribution over transitions,

    l*(s, a) = log p_E(s, a) - log p_A(s, a).

survive   -log(1 - D) = softplus(l)     always positive: pays for staying alive (GAIL, Ho & Ermon
                                        2016, as implemented for tasks that should go on)
goal      log D = -softplus(-l)         always negative: pays for ending the episode
neutral   (log D - log(1 - D)) / 2 = l/2   the mean of the two. As log D - log(1 - D) = l exactly,
                                        it has no sign of its own, but the value of an end still has
                                        to be learned: the absorbing state, see below.
advantage l + log pi(a | s) = f(s, a)   the logit is built as f - log pi (AIRL, Fu et al. 2018),
                                        so f* = log p_E - log p_A + log pi.

Why `advantage` does not chase its own tail. With the other three, a policy that plays like the
demonstrator makes l* = 0 everywhere; the reward is gone and the soft policy moves away again. With
`advantage`, p_A = p_E gives f*(s, a) = log pi(a | s) = log pi_E(a | s). Put that reward into the
soft Bellman equation with temperature 1:

    Q(s, a) = log pi_E(a | s) + gamma V(s'),    V(s) = log sum_a exp Q(s, a).

Q = log pi_E, V = log sum_a pi_E(a | s) = 0 solves it for every gamma, and softmax(Q) = pi_E: the
demonstrator is a fixed point. There V = 0 in every state, so that ending the episode is worth the
same as going on.

Absorbing states (DAC, Kostrikov et al. 2019). An end of value 0 is a reward of its own: with
positive rewards death costs, with negative ones it pays. Instead an ended episode goes on in an
absorbing state for ever, and the discriminator judges that state like any other, from the ends of
the demonstrations and of the agent. With r_a the reward there, its value is
r_a + gamma r_a + ... = r_a / (1 - gamma). `advantage` needs it too, on the way to its fixed point:
an agent that is not there yet is paid less than log pi in states its demonstrator never comes to,
and an end worth 0 would be its way out. There is nothing to choose in the absorbing state, so that
log pi = 0 and f = l; ends that come as often as the demonstrator's make l = 0, the V = 0 above.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

OUTPUT_LIMIT = 8.0


def logits_demonstration_is_high(form: str, outputs: Any, log_policy: Any) -> Any:
    """Logits l [n] from the discriminator's outputs [n] and log pi(a | s) [n]."""
    return outputs - log_policy if form == "advantage" else outputs


def style_reward(form: str, outputs: Any) -> Any:
    """Style reward float32 [n] from the discriminator's outputs [n] (l, or f for `advantage`).

    Outputs are limited to ±8, so that one outlier does not rule the values.
    """
    outputs = tf.clip_by_value(outputs, -OUTPUT_LIMIT, OUTPUT_LIMIT)
    if form == "survive":
        return tf.nn.softplus(outputs)
    if form == "goal":
        return -tf.nn.softplus(-outputs)
    if form == "neutral":
        return outputs / 2
    if form == "advantage":
        return outputs
    raise ValueError(f"expected survive, goal, neutral or advantage, got {form!r}")


def absorbing_value(form: str, logit_of_absorbing_state: Any, gamma: float) -> Any:
    """Value of being in the absorbing state for ever: r_a / (1 - gamma)."""
    return style_reward(form, logit_of_absorbing_state) / (1 - gamma)
