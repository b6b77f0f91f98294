"""Checks that the walk does not notice when they alone are taken away, by the reason.

They are no holes: either something else refuses as well, or it takes time or another test to see them.
"""

BEHIND_THEM: dict[str, tuple[str, ...]] = {
    "They keep foreign pages from forms that ask for a secret all the same: tests/accounts/test_sessions.py.": (
        "api.resets.reset_by_form: refuse_foreign(request)",
        "api.shell.sign_in_by_form: require_own(request)",
    ),
    "They are no rights of who asks: a mark, no change, the last admin (tests/accounts), what is kept for a minute.": (
        "services.devices.DeviceService.know.work: actor.id in (row.id, row.made_by)",
        "services.devices.DeviceService.know.work: not may_vouch(tx, actor, live_at(tx.now_ms()))",
        "services.guard.locker: lock.user_id == actor.user_id",
        "services.locks.Discovery._view_of: lock.user_id == self._actor.user_id",
        "services.accounts._Change.make: self._user.disabled_ms is not None",
        "services.accounts._Change._set_admin: self._user.disabled_ms is None",
        "services.accounts.require_admin: not users.has_enabled_admin(tx)",
        "services.storage.StorageService.figures: actor.user_id not in self._told",
    ),
    "They are for what ends while a call is under way: tests/links, feed, rewind and roles end it there.": (
        "services.authentication.has_ended: row.revoked_ms is not None",
        "services.authentication.has_ended: users.get(tx, row.user_id).disabled_ms is not None",
        (
            "services.archive_content.Contents._source: "
            "access.look_number(tx, self._actor, planned.node_id).require(Right.READ)"
        ),
        "services.archives.still_working.check: row.revoked_ms is not None",
        "services.archives.still_working.check: user.disabled_ms is not None",
        "services.feed.FeedService.poll: news is News.REVOKED",
        "services.feed_view.Reader.__init__: row.revoked_ms is not None",
        "services.visits.VisitService.check.work: link.password_generation != visit.link.password_generation",
        "services.visits.VisitService.count: not counted",
        "services.archive_content.Contents._source: version.node_id != planned.node_id",
        "services.takebacks.rewind_slice: top.require(Right.WRITE)",
        "services.planned.asker_of: row.revoked_ms is not None",
        "services.planned.asker_of: users.get(tx, row.user_id).disabled_ms is not None",
        "services.takebacks_shown.preview: outcomes is not None and outcomes.reason is not None",
    ),
    "It says whose changes are taken back, and refuses nothing: tests/rewind.": (
        "services.takebacks._actors_of: user.id == actor.user_id",
    ),
    "What is revoked has lost the digest of its secret too.": (
        "services.authentication.find_live: row.revoked_ms is not None",
    ),
    "WebDAV opens for no credential that may not read.": (
        "services.replacing.copy_content: source.require(Right.READ)",
        "services.past.PastService.days.work: home.require(Right.READ)",
        "services.past.Walk._root: home.require(Right.READ)",
        "services.sync_report.SyncReportService.page.work: folder.require(Right.READ)",
    ),
    "The page of the listing comes first, and is refused.": (
        "services.tree.TreeService.count.work: folder.require(Right.READ)",
    ),
    "The folder that a file is in gives the same rights, and was asked before.": (
        "services.past_copy._renew: existing.require(Right.WRITE)",
    ),
    "It is looked at again when the sign-in is written.": (
        "services.proofs.Proofs._check: user.disabled_ms is not None",
    ),
    "It is about passwords from the internet, whence nobody walks: tests/accounts/test_open_passwords.py.": (
        (
            "api.origins.refuse_on_the_way: is_read_on_the_way(request) and "
            "(not request.app[SERVICES].settings.tls.open_passwords)"
        ),
    ),
    "What declares nothing takes no chunk either.": (
        "services.open_uploads.OpenUploads.require_bundle: not declared",
    ),
    "The secret or the signature beside the id holds all of it.": (
        "services.authentication._row_of: hmac.compare_digest(row.tag, tag)",
        "services.invitations._find: found.tag != tag",
        "services.downloads.DownloadService.granted_content: version.tag != tag",
    ),
    "A version that is not the current one is a conflict, whatever it is.": (
        "services.access.find_version: versions.named_node(tx, number, tag) tag",
    ),
    "A link of somebody who is no owner sees nothing at all.": (
        "services.visits.VisitService._good: sight.require(Right.SHARE)",
    ),
    "The route refuses app passwords, and nothing else sees one folder only.": (
        "services.sharing.SharingService.list_members.work: access.require_whole_view(actor)",
        "services.sharing.SharingService.remove.work: access.require_whole_view(actor)",
        "services.sharing._folder: access.require_whole_view(actor)",
    ),
}  # fmt: skip
TOGETHER = (
    (
        "services.archives.ArchiveService._look.work: sight.require(Right.READ)",
        "services.archive_plan.Walk._list: sight.require(Right.READ)",
    ),
    (
        "services.trash._restore: sight.require(Right.WRITE)",
        "services.trash._restore: folder.require(Right.WRITE)",
    ),
)
"""Checks of which each refuses where the other would: they are taken away together."""
SECOND_LINES = frozenset(check for checks in (*BEHIND_THEM.values(), *TOGETHER) for check in checks)
