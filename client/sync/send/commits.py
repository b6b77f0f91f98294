"""Commits: what was sent becomes visible, many uploads with one call."""

from collections.abc import Sequence

from client.bundle import SMALL_FILE
from client.errors import ClientError
from client.protocol import CommitOutcome, File
from client.sync.operations import Operation
from client.sync.outcome import Done, Outcome, Prepared, Stale, Task
from client.sync.seams.executor import Executor
from client.sync.seams.net import Net
from client.sync.send.giving_up import give_up
from client.sync.send.refusals import error_in, is_open, refused, sent

Waiting = tuple[Task[Operation], Prepared]
WIDTH = 4


class Commits:
    """Commits uploads."""

    def __init__(self, net: Net, executor: Executor) -> None:
        """Commit at `net`."""
        self._net = net
        self._executor = executor

    def commit(self, waiting: Sequence[Waiting]) -> list[Outcome]:
        """Make up to 1,000 uploads visible; one that fails does not hold up the others.

        Small ones go with one call. A large one goes alone, since its commit tells the hash of the whole, which the
        server could not know when its chunks were first declared.
        """
        small = [number for number, (_, prepared) in enumerate(waiting) if prepared.stat.size <= SMALL_FILE]
        large = [number for number, (_, prepared) in enumerate(waiting) if prepared.stat.size > SMALL_FILE]
        outcomes: dict[int, Outcome] = {}
        if small:
            outcomes.update(zip(small, self._many([waiting[number] for number in small]), strict=True))
        singly = self._executor.map(lambda number: self._one(*waiting[number]), large, WIDTH)
        outcomes.update(zip(large, singly, strict=True))
        return [outcomes[number] for number in range(len(waiting))]

    def _many(self, waiting: Sequence[Waiting]) -> list[Outcome]:
        try:
            results = self._net.commit_batch([prepared.upload_id for _, prepared in waiting])
        except ClientError as error:
            return [sent(error, task.shown) for task, _ in waiting]
        return [self._ended(*each, result) for each, result in zip(waiting, results, strict=True)]

    def _ended(self, task: Task[Operation], prepared: Prepared, result: CommitOutcome) -> Outcome:
        if result.file is not None:
            return _done(prepared, result.file)
        return self._failed(task, prepared, error_in(result))

    def _one(self, task: Task[Operation], prepared: Prepared) -> Outcome:
        try:
            return _done(prepared, self._net.commit(prepared.upload_id, prepared.sha256))
        except ClientError as error:
            return self._failed(task, prepared, error)

    def _failed(self, task: Task[Operation], prepared: Prepared, error: ClientError) -> Outcome:
        if is_open(error):
            return sent(error, task.shown)
        is_small = prepared.stat.size <= SMALL_FILE  # it is requested anew in any case
        if error.code == "missing_chunks":  # lost to a crash before they were durable; a large one is gone on with
            outcome: Outcome = Stale("the server lost some of its bytes before they were durable")
            is_over = is_small
        else:
            outcome = refused(error, task.shown)
            is_over = is_small or isinstance(outcome, Stale)
        if is_over:
            give_up(self._net, [prepared.upload_id])
        return outcome


def _done(prepared: Prepared, file: File) -> Done:
    return Done(file=file, stat=prepared.stat, sha256=prepared.sha256, sure=prepared.sure)
