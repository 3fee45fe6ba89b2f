"""fastenv games behind the interfaces of the field: gymnasium.py and pettingzoo.py.

One env each, everything handed out is a copy. For speed use `fastenv.make_batch` itself.
"""
