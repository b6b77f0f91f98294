"""All that goes to the server, for the engine."""

from collections.abc import Callable, Sequence

from client.protocol import Wanted
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.model import Path, Stat
from client.sync.operations import Operation
from client.sync.outcome import Outcome, Prepared, Task
from client.sync.seams.clock import Chance
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, Traits
from client.sync.seams.net import Net
from client.sync.send import wanted as repairs
from client.sync.send.calls import Calls
from client.sync.send.commits import Commits
from client.sync.send.compare import Compares
from client.sync.send.large import LargeFiles
from client.sync.send.small import SmallFiles
from client.sync.send.source import Sources


class Sender:
    """Sends. Every method is a job, or part of one: it returns facts, and may run beside any other."""

    def __init__(
        self,
        fs: Fs,
        net: Net,
        executor: Executor,
        chance: Chance,
        meter: Meter,
        throttle: Throttle,
        traits: Traits,
    ) -> None:
        """Send from `fs` to `net`."""
        sources = Sources(fs, traits)
        self._fs = fs
        self._net = net
        self._throttle = throttle
        self._small = SmallFiles(sources, net, chance, meter, throttle)
        self._large = LargeFiles(sources, net, executor, chance, meter, throttle)
        self._commits = Commits(net, executor)
        self._calls = Calls(fs, net, executor, traits)
        self._compares = Compares(fs, sources, net, traits)

    def upload_small(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Bring the bytes of up to 1,000 files of at most 256 KiB, 8 MiB in all, to the server.

        Prepared waits for `commit`. Done without a file: the content proved to be what both sides agreed on.
        """
        return self._small.send(tasks)

    def upload_large(self, task: Task[Operation], opened: Callable[[str], None]) -> Outcome:
        """Bring the bytes of one file to the server; `opened` is told what `Task.resume` takes later."""
        return self._large.send(task, opened)

    def commit(self, prepared: Sequence[tuple[Task[Operation], Prepared]]) -> list[Outcome]:
        """Make up to 1,000 uploads visible; one that fails does not hold up the others."""
        return self._commits.commit(prepared)

    def call(self, task: Task[Operation]) -> Outcome:
        """Make, move, set or delete one node at the server."""
        return self._calls.call(task)

    def call_many(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Make such changes, independent of each other, a few at a time."""
        return self._calls.call_many(tasks)

    def compare(self, task: Task[Operation], lineage: Sequence[tuple[str, str]]) -> Outcome:
        """Find out how the file here compares with the server's version: Done with a Verdict."""
        return self._compares.compare(task, lineage)

    def supply(self, wanted: Wanted, path: Path, expected: Stat) -> bool:
        """Give the server back a chunk that it lost, of a file that is still in its synced state."""
        return repairs.supply(self._fs, self._net, self._throttle, wanted, path, expected)
