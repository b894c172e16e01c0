"""Which worker process holds which connection, as the kernel knows it."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")
_ESTABLISHED = "01"


def children_of(pid: int) -> set[int]:
    """Return the worker processes of the leader *pid* (those that run Python's spawned main)."""
    found = set()
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue  # it ended between two reads
        if parent == pid and b"spawn_main" in command:
            found.add(int(entry.name))
    return found


def holder_of(server_port: int, client_port: int, workers: set[int]) -> int | None:
    """Return which of *workers* holds the connection between the two ports, None where nobody."""
    inode = _inode(server_port, client_port)
    for worker in workers if inode else ():
        try:
            links = {str(file.readlink()) for file in (_PROC / str(worker) / "fd").iterdir()}
        except OSError:
            continue
        if f"socket:[{inode}]" in links:
            return worker
    return None


def _inode(server_port: int, client_port: int) -> str | None:
    ends = (f":{server_port:04X}", f":{client_port:04X}")
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1][-5:], fields[2][-5:], fields[3]) == (*ends, _ESTABLISHED):
            return fields[9]
    return None
