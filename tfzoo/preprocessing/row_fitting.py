"""Pieces of text into rows of one length, with little room left over."""

import numpy as np


def fit_into_rows(lengths: np.ndarray, row_length: int) -> np.ndarray:
    """Gives every piece a row: the longest first, each where the least room remains.

    Args:
        lengths: int (N,), each from 1 to `row_length`.
        row_length: int, T.

    Returns:
        int64 (N,), the row of each piece, counted from 0.

    Source: Johnson et al. 1974, "Worst-Case Performance Bounds for Simple One-Dimensional Packing
    Algorithms", best fit decreasing: never more than 11/9 of the fewest rows, and a few.

    Example:
        >>> fit_into_rows(np.array([3, 5, 2, 4, 1]), row_length=8).tolist()
        [0, 0, 1, 1, 1]
    """
    row_of = np.zeros(len(lengths), np.int64)
    rows_with_room = [[] for _ in range(row_length + 1)]
    rooms = 0  # bit n: some row has room for exactly n
    num_rows = 0
    for piece in np.argsort(-lengths, kind="stable"):
        length = int(lengths[piece])
        wide_enough = rooms >> length
        if wide_enough:
            room = length + (wide_enough & -wide_enough).bit_length() - 1
            row = rows_with_room[room].pop()
            rooms &= ~(0 if rows_with_room[room] else 1 << room)
        else:
            room, row, num_rows = row_length, num_rows, num_rows + 1
        row_of[piece] = row
        if room > length:
            rows_with_room[room - length].append(row)
            rooms |= 1 << (room - length)
    return row_of
