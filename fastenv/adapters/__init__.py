"""fastenv games behind the interfaces of the field: Gymnasium, one env and many, and PettingZoo.

Everything handed out is a copy. For speed use `fastenv.make_batch` itself.
"""
