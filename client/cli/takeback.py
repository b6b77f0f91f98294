"""What `cairn rewind` and `cairn undo` share: the plan that a dry run prints, and the job that is waited for."""

import sys
import time

from client.cli.common import print_json, printable
from client.errors import ClientError
from client.protocol_past import Job, Plan, PlanEntry
from client.remote import Remote

EVERY_S = 0.5
_ENDS = {
    "unauthenticated": "the device that asked for it was signed out or has no access any more",
    "not_found": "the folder is gone",
    "forbidden": "the folder is not yours to change any more",
}
_WORDS = {
    "changed": "changed since",
    "purged": "deleted for good",
    "no_content": "its content is not kept any more",
    "no_place": "the folder that it was in is gone",
    "no_room": "the quota has no room for its old content",
    "in_use": "holds what others have put there",
    "other_space": "is in another space now",
    "no_history": "what it was before is forgotten",
    "shared": "a shared folder, which has a history of its own",
    "forbidden": "is not yours to change any more",
    "failed": "could not be put back",
    "locked": "was locked by a program",
    "stopped": "it came to its end before",
}


def show(remote: Remote, found: Plan | str, *, as_json: bool, quiet: bool) -> int:
    """Print a dry run's plan, or wait for the job and tell what came of it."""
    if isinstance(found, Plan):
        _print_plan(found, as_json=as_json)
        return 0
    try:
        job = _wait(remote, found, quiet=quiet or as_json)
    except KeyboardInterrupt:
        raise ClientError(f"The server goes on with it by itself (job {found}).") from None
    kept = list(remote.list_kept(found)) if job.result is not None and job.result.kept else []
    if as_json:
        print_json({"job_id": found, "state": job.state, "result": job.result, "kept": kept})
    elif not quiet:
        for entry in kept:
            print(_line(entry))
        result = job.result
        if result is not None:
            print(f"{result.changed:,} put back, {result.kept:,} left as they are.")
    return 0


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    for entry in plan.items:
        print(_line(entry))
    if len(plan.items) < plan.changes + plan.kept:
        print("…")
    print(f"{plan.changes:,} would be put back, {plan.kept:,} left as they are.")


def _line(entry: PlanEntry) -> str:
    if entry.reason is not None:
        return f"keep     {printable(entry.path)}: {_WORDS.get(entry.reason, entry.reason)}"
    return f"{entry.action:<8} {printable(entry.path)}"


def _wait(remote: Remote, job_id: str, *, quiet: bool) -> Job:
    """Return a job once it is over, telling a person how far it is."""
    shows = not quiet and sys.stderr.isatty()
    while True:
        job = remote.get_job(job_id)
        if shows and job.total:
            sys.stderr.write(f"\r{job.done:,} of {job.total:,}")
        if job.state != "running":
            break
        time.sleep(EVERY_S)
    if shows and job.total:
        sys.stderr.write("\n")
    if job.state == "failed" and job.result is not None:
        why = _ENDS.get(job.result.reason or "", "it could not go on")
        raise ClientError(
            f"It ended early, because {why}: {job.result.changed:,} put back, {job.result.kept:,} left as they are."
        )
    if job.state == "failed":
        raise ClientError(f"The server met a fault and tries again when it starts next (job {job_id}).")
    return job
