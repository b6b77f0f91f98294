"""cairn storage: what takes how much room at the server."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_json, printable, time_text
from client.protocol import SpaceUse, StorageAnswer, StoreUse


def run(arguments: Sequence[str]) -> int:
    """Tell of one's home and shared folders, and to admins of the whole store."""
    parser = Parser(
        "storage",
        "Tell what takes how much room: files, their earlier versions and the trash of each space that you own; and to "
        "admins the store as a whole. All in bytes.",
    )
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        answer = remote.get_storage()
    if options.json:
        print_json(answer)
    else:
        _print(answer)
    return 0


def _print(answer: StorageAnswer) -> None:
    quota = "no limit" if answer.quota is None else f"{answer.quota:,}"
    print(f"{answer.used:>22,} used of {quota}, as of {time_text(answer.as_of_ms)}")
    for space in answer.spaces:
        _print_space(space)
    if answer.store is not None:
        _print_store(answer.store)


def _print_space(space: SpaceUse) -> None:
    print(f"\n{printable(space.name) or 'Home'}")
    print(f"{space.live:>22,} in {space.files:,} files and {space.folders:,} folders")
    print(f"{space.versions:>22,} in earlier versions")
    print(f"{space.trash:>22,} in the trash")


def _print_store(store: StoreUse) -> None:
    print(f"\nThe whole store, as of {time_text(store.as_of_ms)}")
    print(f"{store.logical:>22,} in all versions of all people")
    print(f"{store.saved_by_deduplication:>22,} saved by deduplication")
    print(f"{store.saved_by_compression:>22,} saved by compression")
    print(f"{store.stored:>22,} on the disk, beside {store.next_freed.collector:,} that the collector will free")
    if store.next_freed.retention is not None:
        print(f"{store.next_freed.retention:>22,} of versions go within a day")
    print(f"{store.next_freed.trash:>22,} of the trash go within a day")
    print(f"{store.disk_free:>22,} free on the disk")
