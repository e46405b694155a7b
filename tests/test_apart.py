"""Parts of a long task done in two processes: the same results in the same order, and the same faults."""

from __future__ import annotations

import threading

import pytest

from refsync.formats.survey.apart import mapped

LONG = [5000] * 7


@pytest.mark.parametrize("sizes", [LONG, [1] * 7, [90_000, *[1] * 6], [*[1] * 6, 90_000]])
def test_results_are_in_order(sizes: list[int]) -> None:
    assert mapped(lambda part: part * part, range(7), sizes) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize("at", [0, 6])
def test_a_fault_in_either_half_is_seen(at: int) -> None:
    with pytest.raises(ZeroDivisionError):
        mapped(lambda part: 1 // (part - at), range(7), LONG)


def test_beside_a_thread_all_is_done_here() -> None:
    done: list[int] = []
    other = threading.Thread(target=lambda: mapped(done.append, range(7), LONG))
    other.start()
    other.join()
    assert done == list(range(7))
