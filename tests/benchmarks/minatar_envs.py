"""Registers MinAtar's games with Gymnasium, for `--env minatar_envs:MinAtar/Breakout-v1` where this
folder is on the path (`pip install minatar`); the package itself leaves that to its user."""

from minatar.gym import register_envs

register_envs()
