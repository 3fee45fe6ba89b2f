"""What a ghost sees of a grid game: a window around the player, and how near things are on foot.

The same features as those that the larger networks read (learn/encoding.py, learn/ways.py, where
they are explained), in a smaller window, as nodes of an ONNX graph.
"""

from __future__ import annotations

import numpy as np

from engine_plugin.ghost.graph import Graph
from engine_plugin.ghost.symmetry import Symmetry
from engine_plugin.grid import (
    LINE,
    LONGEST,
    PROBE_NAMES,
    PROBES,
    SYMMETRIES,
    GridLayout,
    action_permutations,
    cell_table,
    window_offsets,
)

WINDOW = 7
TO_FOE_SCALE, TO_CENTRE_SCALE = 1 / 8, 1 / 5


class GridEncoder:
    """uint8 observations [n, obs_size] -> features float32 [n, size]: the cells of the window,
    place by place; where the opponent and the middle of the board are, and what is counted; for
    each of PROBES how near the targets are, and whether they are nowhere nearer."""

    def __init__(self, layout: GridLayout, actions: tuple[str, ...]):
        self._layout = layout
        self._table = cell_table(layout.contents)
        self._offsets = window_offsets(WINDOW)
        self._vector, self._vector_bias = _affine(layout)
        self._places = WINDOW * WINDOW
        self._channels = self._table.shape[1] + 1
        self._targets = len(layout.things) + 4
        self.size = (
            self._places * self._channels
            + len(self._vector_bias)
            + len(PROBES) * 2 * self._targets
        )
        self.symmetries = self._symmetries(actions)

    def write(self, graph: Graph, observation: str) -> str:
        layout = self._layout
        values = graph.cast(observation, "int32")
        stop = layout.cells + layout.height * layout.width
        cells = graph.reshape(
            graph.slice(values, layout.cells, stop, 1), -1, layout.height, layout.width
        )
        vector = graph.add(
            "Add",
            graph.add("MatMul", graph.cast(values, "float32"), graph.constant(self._vector)),
            graph.constant(self._vector_bias),
        )
        parts = (self._window(graph, values, cells), vector, self._ways(graph, values, cells))
        return graph.add("Concat", *parts, axis=1)

    # ------------------------------------------------------------------------------ the window

    def _window(self, graph: Graph, values: str, cells: str) -> str:
        layout, reach = self._layout, WINDOW // 2
        width = layout.width + 2 * reach
        padded = graph.add(
            "Pad",
            cells,
            graph.integers(0, reach, reach, 0, reach, reach),
            graph.constant(np.int32(layout.wall)),
        )
        flat = graph.reshape(padded, -1, (layout.height + 2 * reach) * width)

        def place(row: int, column: int) -> str:
            """Where in the padded board a position of the observation is, [n, 1]."""
            rows = graph.add("Mul", _one(graph, values, row), graph.constant(np.int32(width)))
            middle = graph.add("Add", rows, _one(graph, values, column))
            return graph.add("Add", middle, graph.constant(np.int32(reach * width + reach)))

        offsets = self._offsets[0, :, 0] * width + self._offsets[0, :, 1]
        places = graph.add(
            "Add", place(layout.own_row, layout.own_column), graph.constant(offsets)
        )
        shown = graph.add("GatherElements", flat, places, axis=1)
        features = graph.add("Gather", graph.constant(self._table), shown, axis=0)
        foe = graph.add("Equal", places, place(layout.foe_row, layout.foe_column))
        plane = graph.add("Unsqueeze", graph.cast(foe, "float32"), graph.integers(2))
        window = graph.add("Concat", features, plane, axis=2)
        return graph.reshape(window, -1, self._places * self._channels)

    # -------------------------------------------- the ways: sets of cells, bit c of a row column c

    def _ways(self, graph: Graph, values: str, cells: str) -> str:
        layout = self._layout
        sets = self._sets(graph, cells)
        free, clear, in_the_way = (graph.slice(sets, k, k + 1, 2) for k in range(3))
        foe = self._single_cell(graph, values, layout.foe_row, layout.foe_column)
        sources = graph.add("Concat", foe, in_the_way, axis=2)
        in_line = self._in_line(graph, values, sources, clear)
        others = graph.slice(sets, 3, 4 + len(layout.things), 2)
        targets = graph.add("Concat", foe, others, in_line, axis=2)
        near = self._nearness(graph, values, targets, free)
        best = graph.add("ReduceMax", near, graph.integers(1), keepdims=1)
        nearest = graph.add(
            "And",
            graph.add("Greater", near, graph.constant(np.float32(0))),
            graph.add("Equal", near, best),
        )
        features = graph.add("Concat", near, graph.cast(nearest, "float32"), axis=2)
        return graph.reshape(features, -1, len(PROBES) * 2 * self._targets)

    def _sets(self, graph: Graph, cells: str) -> str:
        """uint32 [n, height, 4 + things]: cells that are not solid; not opaque; neither
        threatened nor free nor wall; neither threatened nor solid; each thing."""
        layout = self._layout
        byte = np.arange(256)
        content, threatened = byte & 15, byte >= 16
        solid, opaque = np.isin(content, layout.solid), np.isin(content, layout.opaque)
        members = np.stack(
            [
                ~solid,
                ~opaque,
                solid & (content != layout.wall) & ~threatened,
                ~solid & ~threatened,
                *(content == thing for thing in layout.things),
            ],
            axis=1,
        )
        # For each column and byte the bits that the cell adds to its row.
        bits = members * np.left_shift(1, np.arange(layout.width))[:, None, None]
        table = bits.reshape(-1, members.shape[1]).astype(np.float32)
        places = graph.add(
            "Add", cells, graph.constant(256 * np.arange(layout.width, dtype=np.int32))
        )
        added = graph.add("Gather", graph.constant(table), places, axis=0)
        rows = graph.add("ReduceSum", added, graph.integers(2), keepdims=0)
        return graph.cast(rows, "uint32")

    def _single_cell(self, graph: Graph, values: str, row: int, column: int) -> str:
        """The set of one cell, uint32 [n, height, 1]."""
        layout = self._layout
        bits = np.zeros(256, np.uint32)
        bits[: layout.width] = np.left_shift(1, np.arange(layout.width))
        bit = graph.add("Gather", graph.constant(bits), _one(graph, values, column), axis=0)
        here = graph.add(
            "Equal",
            graph.constant(np.arange(layout.height, dtype=np.int32)),
            _one(graph, values, row),
        )
        chosen = graph.add("Where", here, bit, graph.constant(np.uint32(0)))
        return graph.add("Unsqueeze", chosen, graph.integers(2))

    def _in_line(self, graph: Graph, values: str, sources: str, clear: str) -> str:
        """The sources and the clear cells from which one lies straight ahead within reach."""
        layout = self._layout
        nothing, one = graph.constant(np.uint32(0)), graph.constant(np.uint32(1))
        lines, result = [sources] * 4, sources
        for step in range(LINE):
            passable = clear
            if layout.reach is not None:
                reach = graph.add(
                    "Unsqueeze", _one(graph, values, layout.reach), graph.integers(2)
                )
                within = graph.add("Greater", reach, graph.constant(np.int32(step)))
                passable = graph.add("Where", within, clear, nothing)
            up, down, right, left = lines
            moved = (
                self._moved_rows(graph, up)[0],
                self._moved_rows(graph, down)[1],
                graph.add("BitShift", right, one, direction="RIGHT"),
                graph.add("BitShift", left, one, direction="LEFT"),
            )
            lines = [graph.add("BitwiseAnd", line, passable) for line in moved]
            for line in lines:
                result = graph.add("BitwiseOr", result, line)
        return result

    def _nearness(self, graph: Graph, values: str, targets: str, free: str) -> str:
        """float32 [n, 5, targets]: how near each target is to each of PROBES."""
        layout, one = self._layout, graph.constant(np.uint32(1))
        flood, floods = targets, [targets]
        for _ in range(LONGEST):
            up, down = self._moved_rows(graph, flood)
            vertical = graph.add("BitwiseOr", up, down)
            sideways = graph.add(
                "BitwiseOr",
                graph.add("BitShift", flood, one, direction="RIGHT"),
                graph.add("BitShift", flood, one, direction="LEFT"),
            )
            reached = graph.add(
                "BitwiseAnd", graph.add("BitwiseOr", vertical, sideways), free
            )
            flood = graph.add("BitwiseOr", flood, reached)
            floods.append(flood)
        steps = graph.add("Concat", *floods, axis=2)
        down_by, right_by = np.array(PROBES).T
        # Inside the border, also where a position is none.
        limits = (graph.constant(np.int32(bound)) for bound in (1, layout.height - 2))
        row = graph.add("Clip", _one(graph, values, layout.own_row), *limits)
        rows = graph.add("Add", row, graph.constant(down_by.astype(np.int32)))
        indices = graph.add("Unsqueeze", graph.cast(rows, "int64"), graph.integers(2))
        seen = graph.add("GatherND", steps, indices, batch_dims=1)
        limits = (graph.constant(np.int32(bound)) for bound in (1, layout.width - 2))
        column = graph.add("Clip", _one(graph, values, layout.own_column), *limits)
        columns = graph.add("Add", column, graph.constant(right_by.astype(np.int32)))
        shifts = graph.add("Unsqueeze", graph.cast(columns, "uint32"), graph.integers(2))
        bits = graph.add(
            "BitwiseAnd", graph.add("BitShift", seen, shifts, direction="RIGHT"), one
        )
        # One bit for each of the steps after which the flood had come; more bits, nearer.
        counted = graph.reshape(
            graph.cast(bits, "float32"), -1, len(PROBES), LONGEST + 1, self._targets
        )
        count = graph.add("ReduceSum", counted, graph.integers(2), keepdims=0)
        return graph.add("Div", count, graph.constant(np.float32(LONGEST + 1)))

    def _moved_rows(self, graph: Graph, sets: str) -> tuple[str, str]:
        """Sets [n, height, k] with every cell moved up, and down."""
        height = self._layout.height
        padded = graph.add(
            "Pad", sets, graph.integers(0, 1, 0, 0, 1, 0), graph.constant(np.uint32(0))
        )
        return graph.slice(padded, 2, height + 2, 1), graph.slice(padded, 0, height, 1)

    # ---------------------------------------------------------------------------- the symmetries

    def _symmetries(self, actions: tuple[str, ...]) -> tuple[Symmetry, ...]:
        place_of = {tuple(offset): index for index, offset in enumerate(self._offsets[0])}
        action_places = action_permutations(actions)
        probe_orders = np.argsort(action_permutations(PROBE_NAMES), axis=1)
        scalars = len(self._layout.scalars)
        found = []
        for index, matrix in enumerate(SYMMETRIES):
            shown = np.array([place_of[tuple(offset)] for offset in self._offsets[index]])
            pair = np.abs(matrix).argmax(axis=1)
            vector = np.concatenate([pair, 2 + pair, 4 + np.arange(scalars)])
            blocks = (
                _columns(shown, self._channels),
                vector,
                _columns(probe_orders[index], 2 * self._targets),
            )
            starts = np.cumsum([0, *(len(block) for block in blocks)])[:-1]
            signs = np.ones(self.size, np.float32)
            signs[starts[1] : starts[1] + 4] = np.tile(matrix.sum(axis=1), 2)
            columns = [start + block for start, block in zip(starts, blocks, strict=True)]
            found.append(Symmetry(np.concatenate(columns), signs, action_places[index]))
        return tuple(found)


def _columns(places: np.ndarray, width: int) -> np.ndarray:
    """The columns of blocks of this width, in the order of `places`."""
    return (places[:, None] * width + np.arange(width)).ravel()


def _one(graph: Graph, values: str, offset: int) -> str:
    """One number of the observation, [n, 1]."""
    return graph.slice(values, offset, offset + 1, 1)


def _affine(layout: GridLayout) -> tuple[np.ndarray, np.ndarray]:
    """(weights float32 [layout.size, k], bias float32 [k]) of what is affine in the
    observation: the opponent's place from one's own, that of the middle of the board, scalars."""
    weights = np.zeros((layout.size, 4 + len(layout.scalars)), np.float32)
    bias = np.zeros(weights.shape[1], np.float32)
    places = ((layout.foe_row, layout.own_row), (layout.foe_column, layout.own_column))
    for axis, (foe, own) in enumerate(places):
        weights[[foe, own], axis] = TO_FOE_SCALE, -TO_FOE_SCALE
        weights[own, 2 + axis] = -TO_CENTRE_SCALE
        bias[2 + axis] = (layout.height, layout.width)[axis] // 2 * TO_CENTRE_SCALE
    for index, (offset, scale) in enumerate(layout.scalars):
        weights[offset, 4 + index] = scale
    return weights, bias
