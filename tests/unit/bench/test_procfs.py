"""What is read from /proc."""

from __future__ import annotations

import os

import pytest

from bench import procfs

_TAIL = "0 0 0 0 0 0 0 0 0 {utime} {stime} {cutime} {cstime} 20 0 1 0 {start} 0 0"


def _line(pid: int, name: str, parent: int, ticks: tuple[int, int, int, int], start: int) -> str:
    tail = _TAIL.format(
        utime=ticks[0], stime=ticks[1], cutime=ticks[2], cstime=ticks[3], start=start
    )
    return f"{pid} ({name}) S {parent} {tail}"


def test_stat_adds_user_and_system_time() -> None:
    """Both halves count, and those of reaped children apart."""
    stat = procfs.parse_stat(_line(7, "python", 3, (10, 5, 2, 1), 99))
    assert stat == procfs.Stat(7, "python", 3, own_ticks=15, reaped_ticks=3, started_at_ticks=99)


def test_stat_survives_parentheses_and_spaces_in_a_name() -> None:
    """A program may call itself anything."""
    stat = procfs.parse_stat(_line(7, "a) b (c", 3, (1, 1, 0, 0), 9))
    assert (stat.name, stat.parent, stat.own_ticks) == ("a) b (c", 3, 2)


def test_stat_refuses_a_torn_line() -> None:
    """Half a line is not read as zeros."""
    with pytest.raises(ValueError, match="not a line"):
        procfs.parse_stat("7 (python) S 3")


def test_descendants_are_found_through_generations_and_nobody_else() -> None:
    """A worker's child belongs to the tree; a neighbour does not."""
    stats = [
        procfs.parse_stat(_line(pid, "p", parent, (1, 0, 0, 0), 1))
        for pid, parent in [(5, 4), (4, 2), (2, 1), (9, 1)]
    ]
    assert [stat.pid for stat in procfs.descendants(2, stats)] == [2, 4, 5]


def test_rollup_gives_the_proportional_size() -> None:
    """KiB become bytes, and the other lines are not taken for it."""
    text = "Rss:            900 kB\nPss:            512 kB\nPss_Dirty:      100 kB\n"
    assert procfs.parse_rollup(text) == 512 * 1024


def test_own_process_has_memory_and_time() -> None:
    """The real files of this kernel are understood."""
    assert procfs.memory_bytes(os.getpid()) > 1 << 20
    assert procfs.cpu_s(os.getpid()) > 0
