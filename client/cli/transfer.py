"""How put and get tell what they did."""

from client.cli.common import note, print_json
from client.display import size_text
from client.progress import Progress


def report(progress: Progress, verb: str, *, as_json: bool, quiet: bool) -> int:
    """Write the account of a transfer and return the exit code that follows from it.

    Args:
        progress: the finished transfer.
        verb: "sent" or "received".
        as_json: as one JSON object, with what failed listed.
        quiet: say nothing, unless `as_json`.
    """
    counts = progress.snapshot()
    moved = counts.done_files - counts.unchanged_files
    if as_json:
        print_json(
            {
                "files": moved,
                "unchanged_files": counts.unchanged_files,
                "folders": counts.folders,
                "bytes": counts.done_bytes,
                f"{verb}_bytes": counts.sent_bytes,
                "skipped_links": counts.links_skipped,
                "skipped_special_files": counts.specials_skipped,
                "failed": counts.failed,
                "failures": progress.failures,
            }
        )
        return progress.exit_code
    skipped = [(counts.links_skipped, "symbolic links"), (counts.specials_skipped, "special files")]
    for count, what in skipped:
        if count:
            note(f"{count:,} {what} were left out: only files and folders are kept.", quiet=quiet)
    if not quiet:
        unchanged = f"; {counts.unchanged_files:,} were there already" if counts.unchanged_files else ""
        failed = f"; {counts.failed:,} failed" if counts.failed else ""
        print(f"{moved:,} files {verb}, {size_text(counts.sent_bytes)} over the wire{unchanged}{failed}.")
    return progress.exit_code
