"""Ghosts: a small clone of a player, raised inside the game with what the game ships.

A ghost needs NumPy and onnxruntime, and no TensorFlow: examples.py holds what the player saw and
did, encoders.py and grid.py write the preprocessing as an ONNX graph, clone.py learns the network
(network.py) behind it, model.py puts both into one file with a card, which plays like every other
model, and ghost.py is what a game uses. A ghost is a draft of its player, quickly made; what
`engine-plugin train` makes of the same play in minutes is better.
"""
