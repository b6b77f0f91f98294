"""Moments at which something is to be looked at."""

import heapq

Key = tuple[str, int | tuple[str, ...]]
"""What falls due: a word for what it is, and a lid or a path."""


class Timers:
    """One moment for each key, in monotonic seconds."""

    def __init__(self) -> None:
        """Begin with none."""
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._count = 0

    def set(self, key: Key, due_s: float) -> None:
        """Let a key fall due then, and no more at the moment set before."""
        self._due[key] = due_s
        self._count += 1
        heapq.heappush(self._heap, (due_s, self._count, key))

    def set_first(self, key: Key, due_s: float) -> None:
        """Let a key fall due then if nothing was set for it."""
        if key not in self._due:
            self.set(key, due_s)

    def cancel(self, key: Key) -> None:
        """Forget a key; one that was not set is fine."""
        self._due.pop(key, None)

    def pop(self, now_s: float) -> list[Key]:
        """Take out what has fallen due, the earliest first."""
        due: list[Key] = []
        while (first := self._first()) is not None and first[0] <= now_s:
            heapq.heappop(self._heap)
            del self._due[first[2]]
            due.append(first[2])
        return due

    def next_s(self) -> float | None:
        """Return the next moment at which something falls due."""
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[float, int, Key] | None:
        while self._heap:
            due_s, _, key = self._heap[0]
            if self._due.get(key) == due_s:
                return self._heap[0]
            heapq.heappop(self._heap)
        return None
