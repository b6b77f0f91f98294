"""Calls about what was: the trash, versions, any moment back."""

from collections.abc import Iterator

from client.protocol import File, LabelRequest, TrashItem, TrashPage, Version, VersionPage
from client.protocol_past import (
    Job,
    JobAccepted,
    KeptPage,
    PastFile,
    PastPage,
    Plan,
    PlanEntry,
    RewindRequest,
    UndoRequest,
)
from client.remote_calls import Calls, quoted


class PastCalls(Calls):
    """Calls about what was."""

    def list_trash(self) -> Iterator[TrashItem]:
        """Yield what the trash holds, the latest first, a page at a time."""
        yield from self.pages("/api/v1/trash", TrashPage)

    def restore(self, trash_id: str) -> File:
        """Bring an entry of the trash back; its path may be another than before."""
        return self._channel.call("POST", f"/api/v1/trash/{quoted(trash_id)}/restore", File, about=trash_id)

    def purge(self, trash_id: str) -> None:
        """Remove an entry of the trash for good."""
        self._channel.send("DELETE", f"/api/v1/trash/{quoted(trash_id)}", about=trash_id)

    def list_versions(self, file: File) -> Iterator[Version]:
        """Yield the versions of a file, the newest first, a page at a time."""
        yield from self.pages(f"/api/v1/files/{file.file_id}/versions", VersionPage, about=file.path)

    def restore_version(self, file: File, version_id: str) -> File:
        """Make one of a file's versions its content again, as a new version."""
        path = f"/api/v1/files/{file.file_id}/versions/{quoted(version_id)}/restore"
        return self._channel.call("POST", path, File, about=file.path)

    def label_version(self, file: File, version_id: str, label: str | None) -> None:
        """Label a version, which keeps it from being thinned out, or with None take its label away."""
        path = f"/api/v1/files/{file.file_id}/versions/{quoted(version_id)}"
        self._channel.send("PATCH", path, body=LabelRequest(label), about=file.path)

    # Any moment back

    def list_children_at(self, folder_id: str, time_ms: int) -> Iterator[PastFile]:
        """Yield what a folder held at a time, folders first, then by name, a page at a time."""
        yield from self.pages(f"/api/v1/folders/{folder_id}/at", PastPage, time_ms=str(time_ms))

    def rewind(self, folder: File, time_ms: int, *, dry_run: bool) -> Plan | str:
        """Put a folder back as it was; return the job's id, or of a dry run the plan."""
        path, body = f"/api/v1/folders/{folder.file_id}/rewind", RewindRequest(time_ms, dry_run)
        if dry_run:
            return self._channel.call("POST", path, Plan, body=body, about=folder.path)
        return self._channel.call("POST", path, JobAccepted, body=body, about=folder.path, again=False).job_id

    def undo(self, request: UndoRequest) -> Plan | str:
        """Take back what one actor did; return as `rewind` does."""
        if request.dry_run:
            return self._channel.call("POST", "/api/v1/undo", Plan, body=request)
        return self._channel.call("POST", "/api/v1/undo", JobAccepted, body=request, again=False).job_id

    def get_job(self, job_id: str) -> Job:
        """Return how far a job is."""
        return self._channel.call("GET", f"/api/v1/jobs/{quoted(job_id)}", Job)

    def list_kept(self, job_id: str) -> Iterator[PlanEntry]:
        """Yield what a job left as it is, a page at a time."""
        yield from self.pages(f"/api/v1/jobs/{quoted(job_id)}/kept", KeptPage)
