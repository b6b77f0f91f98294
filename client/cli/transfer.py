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
    skipped = [_number(counts.links_skipped, "symbolic link"), _number(counts.specials_skipped, "special file")]
    if counts.links_skipped or counts.specials_skipped:
        note(f"Left out {' and '.join(skipped)}: only files and folders are kept.", quiet=quiet)
    if not quiet:
        unchanged = f"; {counts.unchanged_files:,} there already" if counts.unchanged_files else ""
        failed = f"; {counts.failed:,} failed" if counts.failed else ""
        print(f"{_number(moved, 'file')} {verb}, {size_text(counts.sent_bytes)} over the wire{unchanged}{failed}.")
    return progress.exit_code


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
