"""How near things are on foot: floods over the free cells of a grid, many boards in one loop.

A set of cells is one unsigned integer a row of the board, bit c for column c. A flood from the
targets over the free cells takes a few integer operations a row and step.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

cdef enum:
    MOST_ROWS = 32
    MOST_TARGETS = 16
    PROBES = 5

cdef struct Layout:
    int height, width, cells, own_row, own_column, foe_row, foe_column, reach, longest, line
    int things
    uint32_t wall, solid, opaque  # one bit for each content
    uint8_t thing[MOST_TARGETS]


cdef class WaysFinder:
    """Finds the ways of grid observations, uint8 [n, obs_size].

    The targets, in this order: the opponent; cells that are not solid and that nothing threatens;
    each of `things`, contents of cells; cells in line with the opponent; cells in line with
    something solid but walls that nothing threatens. Lines run over what is not opaque, as far as
    the player's reach, `line` cells at most.
    """

    cdef Layout layout
    cdef readonly int targets
    cdef int size

    def __init__(
        self, *, int size, int height, int width, int cells, int own_row, int own_column,
        int foe_row, int foe_column, int reach, int wall, solid, opaque, things, int longest, int line,
    ):
        """size: bytes of an observation; height, width of the board; the others are offsets in the
        observation (reach: -1 where lines are always `line` cells long), contents (the low four
        bits of a cell's byte; any high bit means a threat), and `longest`, the most steps.

        Raises ValueError for a board or an observation that does not fit."""
        if not (3 <= height <= MOST_ROWS and 3 <= width <= 32):
            raise ValueError(f"expected a board of 3 to 32 cells a side, got {height} x {width}")
        if len(things) + 4 > MOST_TARGETS:
            raise ValueError(f"expected at most {MOST_TARGETS - 4} things, got {len(things)}")
        places = (cells, own_row, own_column, foe_row, foe_column)
        if min(places) < 0 or max(cells + height * width - 1, reach, *places) >= size:
            raise ValueError(f"expected offsets within {size} bytes, got {places} and {reach}")
        if not (1 <= longest < 255 and line >= 0):
            raise ValueError(f"expected 1 to 254 steps and lines of 0 or more, got {longest}, {line}")
        contents = (wall, *solid, *opaque, *things)
        if min(contents) < 0 or max(contents) > 15:
            raise ValueError(f"expected contents of 0 to 15, got {contents}")
        cdef Layout* layout = &self.layout
        layout.height, layout.width, layout.cells = height, width, cells
        layout.own_row, layout.own_column = own_row, own_column
        layout.foe_row, layout.foe_column = foe_row, foe_column
        layout.reach, layout.longest, layout.line = reach, longest, line
        layout.wall = <uint32_t>1 << wall
        layout.solid = layout.opaque = 0
        for content in solid:
            layout.solid |= <uint32_t>1 << <int>content
        for content in opaque:
            layout.opaque |= <uint32_t>1 << <int>content
        layout.things = len(things)
        for number, thing in enumerate(things):
            layout.thing[number] = thing
        self.targets = layout.things + 4
        self.size = size

    def find(self, const uint8_t[:, ::1] observations not None, uint8_t[:, :, ::1] out not None):
        """Write uint8 [n, 5, targets]: of the player's own cell and those above, below, left and
        right of it, after how many of the steps 0 to `longest` a flood from the target has been
        there; more means nearer, 0 that no way leads there. Raises ValueError for other shapes."""
        cdef Py_ssize_t row, rows = observations.shape[0]
        if observations.shape[1] != self.size:
            raise ValueError(
                f"expected observations of {self.size} bytes, got {observations.shape[1]}"
            )
        if out.shape[0] != rows or out.shape[1] != PROBES or out.shape[2] != self.targets:
            raise ValueError(
                f"expected out of shape [{rows}, {PROBES}, {self.targets}], "
                f"got [{out.shape[0]}, {out.shape[1]}, {out.shape[2]}]"
            )
        with nogil:
            for row in range(rows):
                find_one(&self.layout, self.targets, &observations[row, 0], &out[row, 0, 0])


cdef inline void find_one(
    const Layout* layout, int targets, const uint8_t* seen, uint8_t* out
) noexcept nogil:
    cdef uint32_t free[MOST_ROWS]
    cdef uint32_t clear[MOST_ROWS]
    cdef uint32_t target[MOST_TARGETS][MOST_ROWS]
    cdef uint32_t solid_set, clear_set, calm_set, standing_set, bit, kind
    cdef int row, column, number, content, reach = layout.line
    cdef const uint8_t* cell = seen + layout.cells
    cdef int in_line_with_foe = targets - 2, in_line_with_solid = targets - 1
    memset(target, 0, sizeof(target))
    if seen[layout.foe_row] < layout.height and seen[layout.foe_column] < layout.width:
        target[0][seen[layout.foe_row]] = <uint32_t>1 << seen[layout.foe_column]
    for row in range(layout.height):
        solid_set = clear_set = calm_set = standing_set = 0
        for column in range(layout.width):
            bit = <uint32_t>1 << column
            content = cell[0] & 15
            kind = <uint32_t>1 << content
            if kind & layout.solid:
                solid_set |= bit
                if cell[0] < 16 and not kind & layout.wall:
                    standing_set |= bit
            elif cell[0] < 16:
                calm_set |= bit
            if not kind & layout.opaque:
                clear_set |= bit
            for number in range(layout.things):
                if content == layout.thing[number]:
                    target[2 + number][row] |= bit
            cell += 1
        free[row] = ~solid_set & ((<uint32_t>2 << (layout.width - 1)) - 1)
        clear[row] = clear_set
        target[1][row] = calm_set
        target[in_line_with_solid][row] = standing_set
    if layout.reach >= 0 and seen[layout.reach] < reach:
        reach = seen[layout.reach]
    memcpy(target[in_line_with_foe], target[0], sizeof(free))
    add_lines(layout.height, target[in_line_with_foe], clear, reach)
    add_lines(layout.height, target[in_line_with_solid], clear, reach)
    cdef int own_row = min(max(<int>seen[layout.own_row], 1), layout.height - 2)
    cdef int own_column = min(max(<int>seen[layout.own_column], 1), layout.width - 2)
    for number in range(targets):
        flood(layout, target[number], free, own_row, own_column, out + number, targets)


cdef inline void add_lines(
    int height, uint32_t* cells, const uint32_t* clear, int reach
) noexcept nogil:
    """Add the clear cells that lie straight ahead of a cell, with only clear ones between."""
    cdef uint32_t line[4][MOST_ROWS]
    cdef int row, step, direction
    for direction in range(4):
        memcpy(line[direction], cells, MOST_ROWS * sizeof(uint32_t))
    for step in range(reach):
        for row in range(height - 1):
            line[0][row] = line[0][row + 1] & clear[row]
        line[0][height - 1] = 0
        for row in range(height - 1, 0, -1):
            line[1][row] = line[1][row - 1] & clear[row]
        line[1][0] = 0
        for row in range(height):
            line[2][row] = (line[2][row] >> 1) & clear[row]
            line[3][row] = (line[3][row] << 1) & clear[row]
            cells[row] |= line[0][row] | line[1][row] | line[2][row] | line[3][row]


cdef inline void flood(
    const Layout* layout, const uint32_t* target, const uint32_t* free,
    int own_row, int own_column, uint8_t* out, int stride,
) noexcept nogil:
    """Count at the five cells after how many steps the flood had come; out[p * stride] each."""
    # One row more on either side, which stays empty.
    cdef uint32_t now[MOST_ROWS + 2]
    cdef uint32_t grown[MOST_ROWS]
    cdef uint32_t change = 1
    cdef int height = layout.height, row, step, steps
    cdef int here = 0, up = 0, down = 0, left = 0, right = 0
    memset(now, 0, sizeof(now))
    memcpy(&now[1], target, height * sizeof(uint32_t))
    own_row += 1
    for step in range(layout.longest + 1):
        # Once nothing moves any more, all steps that are left see the same.
        steps = 1 if change else layout.longest + 1 - step
        here += steps * ((now[own_row] >> own_column) & 1)
        up += steps * ((now[own_row - 1] >> own_column) & 1)
        down += steps * ((now[own_row + 1] >> own_column) & 1)
        left += steps * ((now[own_row] >> (own_column - 1)) & 1)
        right += steps * ((now[own_row] >> (own_column + 1)) & 1)
        if not change:
            break
        for row in range(height):
            grown[row] = free[row] & (
                now[row] | now[row + 2] | (now[row + 1] << 1) | (now[row + 1] >> 1)
            )
        change = 0
        for row in range(height):
            change |= grown[row] & ~now[row + 1]
            now[row + 1] |= grown[row]
    out[0] = <uint8_t>here
    out[stride] = <uint8_t>up
    out[2 * stride] = <uint8_t>down
    out[3 * stride] = <uint8_t>left
    out[4 * stride] = <uint8_t>right
