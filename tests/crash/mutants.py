"""What must not be taken out of the program: for each such thing the change that takes it out, and who notices."""

from dataclasses import dataclass

POWER = "tests/crash/test_power_cut.py::test_power_cut_at_every_call_loses_nothing_acknowledged"
FIRST_RUN = "tests/crash/test_power_cut.py::test_power_cut_in_the_first_run_leaves_a_server_or_none"
SYNCS = "tests/crash/test_syncs.py"
SIGNING = "tests/storage/test_signing.py"
FAILURES = "tests/storage/test_failures.py"
ORDERED = f"{FAILURES}::test_bytes_are_synced_then_moved_then_names_synced_then_rows_committed_then_answered"
PRAGMAS = "tests/crash/test_syncs.py::test_both_databases_are_committed_with_full_sync"
KERNEL = "tests/crash/test_syncs.py::test_the_kernel_was_told_to_sync_before_each_answer"
FULL, NORMAL = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a source file and what it is replaced by; `old` occurs once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program without one of its precautions.

    Attributes:
        lacks: what it lacks, for people.
        test: one that fails for it, as pytest calls it.
    """

    lacks: str
    edits: tuple[Edit, ...]
    test: str


def _without(lacks: str, file: str, old: str, new: str, test: str) -> Mutant:
    return Mutant(lacks, (Edit(file, old, new),), test)


LOCAL = "storage/local.py"
STAGING = "storage/staging.py"
RESEALING = "storage/resealing.py"
RESEALED = "tests/storage/test_resealing.py::test_power_cut_at_every_call_of_the_job_leaves_every_chunk_readable"
SYNC_CALLS = (
    _without(
        "the fsync of each of a few received files",
        LOCAL,
        "for descriptor in held:\n                self._fsync(descriptor)",
        "pass",
        f"{POWER}[strict]",
    ),
    _without(
        "the syncfs of many received files",
        LOCAL,
        "len(held) < len(files)):\n            self._syncfs()",
        "len(held) < len(files)):\n            pass",
        ORDERED,
    ),
    _without(
        "the fsync of a received file where syncfs is not trusted",
        STAGING,
        "if not self._can_syncfs:\n                self._fsync(descriptor)",
        "",
        f"{POWER}[syncfs ignored]",
    ),
    _without(
        "the sync of the few folders that chunks were moved into",
        LOCAL,
        "self._disk.sync_folder(folder)",
        "pass",
        f"{POWER}[strict]",
    ),
    _without(
        "the syncfs of the many folders that chunks were moved into",
        LOCAL,
        "len(folders) >= SYNC_ALL_FROM:\n            self._syncfs()",
        "len(folders) >= SYNC_ALL_FROM:\n            pass",
        f"{POWER}[strict]",
    ),
    _without(
        "the fsync of a staged file that a start has found",
        STAGING,
        "try:\n            self._fsync(descriptor)\n        finally:",
        "try:\n            pass\n        finally:",
        "tests/storage/test_power_cut.py::test_what_is_found_after_a_kill_survives_a_power_cut_from_then_on",
    ),
    _without(
        "the call of fsync that all files of the store go through",
        STAGING,
        "self._disk.fsync(descriptor)",
        "pass",
        f"{POWER}[strict]",
    ),
    _without(
        "the call of syncfs that the store goes through",
        LOCAL,
        "self._disk.syncfs(self._folder)",
        "pass",
        f"{POWER}[strict]",
    ),
    _without(
        "the syncfs of what an object server of ours has written",
        "storage/s3/bundled.py",
        "            self._disk.syncfs(self._synced)\n",
        "            pass\n",
        "tests/storage/test_bundled.py::test_chunk_is_durable_there_and_what_dies_is_started_again",
    ),
    _without(
        "the sync of the folders of a new store",
        STAGING,
        "        disk.sync_folder(parent)\n",
        "        pass\n",
        f"{FIRST_RUN}[strict]",
    ),
    _without(
        "the fsync of a small file that replaces another",
        "storage/disk.py",
        "        disk.fsync(descriptor)\n",
        "        pass\n",
        "tests/storage/test_keyring.py::test_a_key_that_was_made_survives_a_power_cut",
    ),
    _without(
        "the sync of the folder in which a small file was replaced",
        "storage/disk.py",
        "    disk.sync_folder(path.parent)\n",
        "",
        "tests/storage/test_keyring.py::test_a_key_that_was_made_survives_a_power_cut",
    ),
    _without(
        "the sync of the name of the folder for keys",
        "storage/keyring.py",
        "        disk.sync_folder(folder.parent)\n",
        "",
        f"{FIRST_RUN}[strict]",
    ),
    _without(
        "the sync after keys were removed",
        "storage/keyring.py",
        "            self._disk.sync_folder(self._folder)\n",
        "            pass\n",
        "tests/storage/test_keyring.py::test_a_key_that_was_voided_stays_away_after_a_power_cut",
    ),
    _without(
        "the sync of the folders in a new data folder",
        "app/data_folder.py",
        "            self._disk.sync_folder(self.root)\n",
        "",
        "tests/crash/test_data_folder.py::test_a_folder_that_was_made_is_there_after_a_power_cut",
    ),
    _without(
        "the sync of the name of a new data folder",
        "app/data_folder.py",
        "            self._disk.sync_folder(folder.parent)\n",
        "",
        "tests/crash/test_data_folder.py::test_a_folder_that_was_made_is_there_after_a_power_cut",
    ),
    _without(
        "the sync after the mark of a clean stop was removed",
        "app/data_folder.py",
        "        self._disk.sync_folder(self.guard)\n",
        "",
        "tests/crash/test_data_folder.py::test_a_run_that_was_cut_off_is_not_taken_for_a_clean_one",
    ),
    _without(
        "the sync of the name of the folder of a new CA",
        "app/tls/own.py",
        "            self._disk.sync_folder(self.folder.parent)\n",
        "",
        "tests/tls/test_authority.py::test_a_ca_that_devices_were_told_of_is_there_after_a_power_cut",
    ),
    _without(
        "the fsync of the copy before a migration",
        "app/db/migrate.py",
        "        disk.fsync(descriptor)\n",
        "        pass\n",
        "tests/app/test_migrate.py::test_the_copy_is_durable_before_the_step_is",
    ),
    _without(
        "the sync of the folder of copies before a migration",
        "app/db/migrate.py",
        "    disk.sync_folder(target.parent)\n",
        "",
        "tests/app/test_migrate.py::test_the_copy_is_durable_before_the_step_is",
    ),
)

ORDER = (
    _without(
        "data synced before it is moved into place",
        "storage/barrier.py",
        "self._medium.sync(files)\n            self._medium.place(files)",
        "self._medium.place(files)\n            self._medium.sync(files)",
        ORDERED,
    ),
    _without(
        "chunks synced and in place before their rows are written",
        "storage/barrier.py",
        "            self._into_place(fresh)\n            self._writer.write_blocking(record)\n",
        "            self._writer.write_blocking(record)\n            self._into_place(fresh)\n",
        f"{POWER}[strict]",
    ),
    Mutant(
        "chunks durable before the version that names them",
        (
            Edit("app/services/commits.py", "        await self._store.barrier(claims)\n", ""),
            Edit(
                "app/services/commits.py",
                "        results, over = await self._database.write(work)\n",
                "        results, over = await self._database.write(work)\n        await self._store.barrier(claims)\n",
            ),
            Edit(
                "app/services/commits.py", "        if self._is_incomplete(upload, manifest):\n", "        if False:\n"
            ),
        ),
        f"{POWER}[strict]",
    ),
    _without(
        "the barrier before a commit",
        "app/services/commits.py",
        "        await self._store.barrier(claims)\n",
        "",
        f"{POWER}[strict]",
    ),
    _without(
        "an answer only after its commit",
        "storage/group_writer.py",
        "            unit.result = unit.work(session)\n",
        "            unit.result = unit.work(session)\n            self._settle([unit])\n",
        f"{SYNCS}::test_a_thousand_commits_at_once_share_few_syncs_and_none_is_answered_before_its_own",
    ),
    _without(
        "one commit for all who wait",
        "storage/group_writer.py",
        "GROUP_UNITS = 256",
        "GROUP_UNITS = 1",
        f"{SYNCS}::test_a_thousand_commits_at_once_share_few_syncs_and_none_is_answered_before_its_own",
    ),
    _without("FULL in the metadata", "app/db/database.py", FULL, NORMAL, PRAGMAS),
    _without("FULL in the chunk index", "storage/index.py", FULL, NORMAL, PRAGMAS),
    _without("FULL in the metadata, by the kernel's count", "app/db/database.py", FULL, NORMAL, KERNEL),
    _without("FULL in the chunk index, by the kernel's count", "storage/index.py", FULL, NORMAL, KERNEL),
)

RULES = (
    _without(
        "the refusal to delete what is still coming into view",
        "app/services/trash.py",
        " or is_arriving(tx, sight)",
        "",
        "tests/tree/test_jobs.py",
    ),
    _without(
        "what came into view as news to a delete",
        "app/services/reveal.py",
        "        deletions.note_shown(tx, walked | above, seq)  # a delete removes only what its author has seen\n",
        "",
        "tests/tree/test_jobs.py",
    ),
    _without(
        "what came from another space as news to a delete",
        "app/services/conversion.py",
        "    deletions.note_shown(tx, shown, seq)  # a delete removes only what its author has seen\n",
        "",
        "tests/sharing/test_arriving.py",
    ),
    _without(
        "the check of the base version",
        "app/services/targets.py",
        "if grew_from(wish, existing) or",
        "if True or",
        "tests/api/test_upload_places.py",
    ),
    _without(
        "the check at the request that one possesses a chunk",
        "app/services/uploads.py",
        "            return versions.possessed(tx, [space.id for space in access.spaces_of(tx, actor)], ids)\n",
        "            return ids\n",
        "tests/api/test_possession.py::test_a_chunk_that_another_has_must_be_sent_all_the_same",
    ),
    _without(
        "the check at the commit that one sent or possesses a chunk",
        "app/services/commits.py",
        "        return bool(rest)\n",
        "        return False\n",
        "tests/api/test_possession.py",
    ),
    _without(
        "the check at the commit that the store has a chunk",
        "app/services/commits.py",
        "        self._present = {pack(*chunk) for chunk in tx.chunks.sizes(wanted).items()}\n",
        "        self._present = {entry for m in self._manifests.values() for entry in m.entries()}\n",
        "tests/crash/test_faults.py::test_a_chunk_that_goes_before_the_commit_is_asked_for_then",
    ),
    Mutant(
        "the index alone says what exists (a file of the right name counts)",
        (
            Edit(
                "storage/store.py",
                "        return await self._reader.run(partial(rows.sizes, ids=ids))\n",
                "        there = {i: self._medium.path_of(rows.Blob.of(i, Encoding.RAW)) for i in ids}\n"
                "        files = {i: path.stat().st_size for i, path in there.items() if path and path.exists()}\n"
                "        return files | await self._reader.run(partial(rows.sizes, ids=ids))\n",
            ),
        ),
        "tests/storage/test_store.py",
    ),
    _without(
        "the hash of a staged file that a start has found",
        "storage/vault.py",
        "            codec.restored(data, encoding, chunk_id, size)\n",
        "",
        f"{POWER}[strict]",
    ),
    Mutant(
        "an object of another form stays until the new one is named",
        (
            Edit(RESEALING, "        self._writer.write_blocking(partial(rows.reseal, changes=due))\n", ""),
            Edit(
                RESEALING,
                "        return len(due)\n",
                "        self._writer.write_blocking(partial(rows.reseal, changes=due))\n        return len(due)\n",
            ),
        ),
        f"{RESEALED}[on]",
    ),
    _without(
        "the keys that damaged chunks are sealed with are kept",
        RESEALING,
        "named | kept)",
        "set())",
        "tests/storage/test_resealing.py::test_damaged_chunk_stays_as_it_is_and_holds_up_nothing",
    ),
    _without(
        "what was received before encryption is turned on is waited for",
        RESEALING,
        "        await self._barriers.flush(target)",
        "        pass",
        "tests/storage/test_resealing.py::test_what_waits_for_its_barrier_when_encryption_is_turned_on_is_encrypted_too",
    ),
    _without(
        "the MAC of what says how a store is encrypted",
        "storage/vault.py",
        "if not hmac.compare_digest(self.master.mac(_canonical(told)), mac):",
        "if False:",
        "tests/storage/test_sealing.py::test_vault_opens_with_its_own_master_key_alone_and_notices_every_change",
    ),
    _without(
        "the loss of all that was received when a sync fails",
        "storage/barrier.py",
        "            self._forget_all(ours)\n",
        "",
        FAILURES,
    ),
    _without(
        "the claims of open uploads at a start",
        "app/foundation.py",
        "open_claims=await asyncio.to_thread(_open_claims, folder.metadata)",
        "open_claims=()",
        "tests/crash/test_kill.py::test_what_an_open_upload_has_received_outlives_a_kill",
    ),
)

_MESSAGE = "message = [LABEL, self._instance_id, key.key_id, grant.operation.value, grant.subject, *fields.values()]"
_OUTSIDE = {
    "label": "self._instance_id, key.key_id, grant.operation.value, grant.subject, *fields.values()",
    "server": "LABEL, key.key_id, grant.operation.value, grant.subject, *fields.values()",
    "key id": "LABEL, self._instance_id, grant.operation.value, grant.subject, *fields.values()",
    "operation": "LABEL, self._instance_id, key.key_id, grant.subject, *fields.values()",
    "subject": "LABEL, self._instance_id, key.key_id, grant.operation.value, *fields.values()",
}
_FIELDS = {
    "size": "z",
    "size on the wire": "w",
    "space": "s",
    "claim": "c",
    "user": "u",
    "generation": "g",
    "encodings": "e",
    "media type": "t",
    "disposition": "d",
    "begin": "n",
    "end": "x",
}
_HEAD = "LABEL, self._instance_id, key.key_id, grant.operation.value, grant.subject"

SIGNATURE = (
    *(
        _without(f"the {name} under the MAC of a URL", "storage/signing.py", _MESSAGE, f"message = [{rest}]", SIGNING)
        for name, rest in _OUTSIDE.items()
    ),
    *(
        _without(
            f"the {name} under the MAC of a URL",
            "storage/signing.py",
            _MESSAGE,
            f'message = [{_HEAD}, *(v for n, v in fields.items() if n != "{letter}")]',
            SIGNING,
        )
        for name, letter in _FIELDS.items()
    ),
    _without(
        "the length before each field under the MAC",
        "storage/signing.py",
        '        packed += len(data).to_bytes(4, "big") + data\n',
        "        packed += data\n",
        SIGNING,
    ),
)

FULL_DISK = "tests/scenarios/test_full_disk.py"
ROOM = (
    _without(
        "the ballast that gives way to a delete",
        "app/foundation.py",
        "            make_room=ballast.give_up,\n",
        "",
        f"{FULL_DISK}::test_a_disk_without_a_byte_left_still_lets_people_delete_purge_and_read_on",
    ),
    _without(
        "the ballast that gives way to a start",
        "app/services/room.py",
        "if disk.usage(folder).free < LEAST_TO_WORK",
        "if False",
        f"{FULL_DISK}::test_a_disk_without_a_byte_left_does_not_stop_a_start",
    ),
    _without(
        "the ballast that gives way to a collection",
        "app/services/collector.py",
        "            await self._room.make_way()\n",
        "",
        f"{FULL_DISK}::test_a_disk_without_a_byte_left_still_lets_unused_chunks_be_collected",
    ),
    _without(
        "the checkpoint while the disk still has room for it",
        "storage/group_writer.py",
        "min(CHECKPOINT_SIZE, room // 2)",
        "CHECKPOINT_SIZE",
        f"{FULL_DISK}::test_a_disk_without_a_byte_left_still_lets_people_delete_purge_and_read_on",
    ),
    _without(
        "the reserve kept from all that grows the database",
        "app/db/database.py",
        "        if use is Use.GROWS:\n",
        "        if False:\n",
        "tests/scenarios/test_reserve.py",
    ),
    _without(
        "the ballast kept from all that frees nothing",
        "app/db/database.py",
        "            if use is not Use.FREES:\n",
        "            if False:\n",
        f"{FULL_DISK}::test_a_disk_without_a_byte_left_gives_its_ballast_to_nothing_that_only_grows",
    ),
    _without(
        "the bytes that a long chunk list must have, when it is announced",
        "app/services/uploads.py",
        "        _check_coarse(len(declared.chunks), size)\n",
        "",
        "tests/api/test_uploads.py",
    ),
    _without(
        "the bytes that a long chunk list must have, when it grows",
        "app/services/uploads.py",
        "        _check_coarse(upload.chunk_count + len(chunks), upload.chunk_size + chunks.size)\n",
        "",
        "tests/api/test_uploads.py",
    ),
    _without(
        "the room of the ballast kept from uploads",
        "app/services/room.py",
        " + given_up)",
        ")",
        "tests/app/test_room.py::test_uploads_get_nothing_of_what_the_ballast_gave",
    ),
    _without(
        "a quota that is used up told from a disk that failed",
        "storage/group_writer.py",
        "in MAYBE_FULL and self._has_no_room()",
        "in ()",
        "tests/storage/test_group_writer.py::test_a_quota_that_is_used_up_is_a_full_disk_and_no_failed_one",
    ),
)

READ_ONLY = "tests/crash/test_read_only.py"
DAMAGE_FOUND = (
    f"{READ_ONLY}::test_damage_found_after_an_unclean_stop_leaves_a_server_that_reads_alone_also_after_a_restart"
)
TRUST = (
    _without(
        "the look at the databases after an unclean stop",
        "app/application.py",
        "{} if base.was_clean else _databases(base.folder)",
        "{}",
        DAMAGE_FOUND,
    ),
    _without(
        "the note that keeps a server reading alone over a restart",
        "app/services/standing.py",
        'replace_file(self._disk, self._mark, f"{why}\\n".encode())',
        "pass",
        DAMAGE_FOUND,
    ),
    _without(
        "the refusal of changes while a server reads alone",
        "app/db/database.py",
        "        self.require_writable()\n        try:",
        "        try:",
        DAMAGE_FOUND,
    ),
    _without(
        "the count of the disk's failures",
        "app/foundation.py",
        "            standing.note_failure()\n",
        "            pass\n",
        f"{READ_ONLY}::test_a_server_whose_disk_failed_three_times_in_a_day_reads_alone_until_a_person_says_so",
    ),
)

SPACE = "tests/collect/test_space.py"
DISPOSAL = "tests/storage/test_disposal.py"
COLLECTION = (
    _without(
        "the pins of open uploads in what a collection marks",
        "app/repositories/references.py",
        'tx.execute(_PINS, {"after": pin})',
        "()",
        f"{SPACE}::test_what_is_used_in_any_way_stays",
    ),
    _without(
        "what open uploads have received in what a collection marks",
        "app/services/collection.py",
        "            await self._offload.run(partial(self._mark.add_chunks, ids))\n",
        "",
        f"{SPACE}::test_stream_that_goes_on_for_days_keeps_what_it_sent",
    ),
    _without(
        "the second run before a chunk is condemned",
        "app/services/collector.py",
        "due_s = min(run_s - self._patience.unused_for_s, run_s - 1)",
        "due_s = run_s",
        f"{SPACE}::test_run_that_condemns_some_chunks_leaves_those_that_it_found_itself",
    ),
    _without(
        "the day of running between two runs",
        "app/services/collector.py",
        "due_s = min(run_s - self._patience.unused_for_s, run_s - 1)",
        "due_s = run_s - 1",
        f"{SPACE}::test_second_run_takes_nothing_before_a_day_of_running",
    ),
    _without(
        "the grace of a condemned chunk",
        "app/services/collector.py",
        "self._uptime.now_s() - self._patience.grace_s",
        "self._uptime.now_s()",
        f"{SPACE}::test_condemned_chunk_has_its_grace_and_a_new_upload_keeps_it",
    ),
    _without(
        "the look, behind the last commit, at who came to use a condemned chunk",
        "app/services/collection.py",
        "basis = await self._catch_up_in_writer(lambda tx, _: journal.head(tx))",
        "basis = await self._database.read(journal.head)",
        f"{SPACE}::test_commit_that_saw_a_chunk_just_before_it_was_condemned_keeps_it",
    ),
    _without(
        "the check that the database is still the one by which chunks were condemned",
        "app/services/collector.py",
        "if basis is not None and not",
        "if False and not",
        f"{SPACE}::test_database_that_was_put_back_keeps_what_its_versions_use",
    ),
    _without(
        "the check of a manifest before a collection believes it",
        "app/services/mark.py",
        "            chunks.check()\n",
        "",
        f"{SPACE}::test_manifest_that_cannot_be_read_ends_the_run_and_nothing_goes",
    ),
    _without(
        "the word of a person before over half of the store goes",
        "app/services/collector.py",
        "if survey.is_over_half and not over_half:",
        "if False:",
        f"{SPACE}::test_run_that_would_remove_over_half_of_the_store_needs_a_word",
    ),
    _without(
        "the end of possession that no version gives any more",
        "app/services/collection.py",
        "            await self._end_possession(bucket, used)\n",
        "",
        f"{SPACE}::test_possession_ends_with_the_last_version_that_gives_it",
    ),
    _without(
        "a put of a chunk takes it off its way out",
        "storage/rows.py",
        "    unused.lift_put(session, [old[0] for old in known.values()])\n",
        "",
        f"{DISPOSAL}::test_put_on_the_way_out_keeps_the_chunk",
    ),
    _without(
        "a put that fails leaves a condemned chunk its file",
        "storage/rows.py",
        "return state in {ChunkState.OK, ChunkState.CONDEMNED}",
        "return state is ChunkState.OK",
        f"{DISPOSAL}::test_put_that_fails_leaves_a_condemned_chunk_its_bytes",
    ),
    _without(
        "a start lifts what was condemned",
        "storage/recovery.py",
        "    begin_anew(medium, writer)\n",
        "",
        f"{DISPOSAL}::test_older_index_put_back_lets_nothing_go_that_was_put_anew_since",
    ),
    _without(
        "a put brings back a file that was lost",
        "storage/barrier.py",
        " and chunk.chunk_id not in lost",
        "",
        f"{DISPOSAL}::test_put_of_a_chunk_whose_file_was_lost_brings_it_back",
    ),
    _without(
        "a chunk is durably gone for all before its file is removed",
        "storage/unused.py",
        "    connection.executemany(_LEAVE_STATE, values_of_rows)\n",
        "",
        f"{DISPOSAL}::test_removal_that_fails_leaves_its_chunks_to_be_put_anew",
    ),
    _without(
        "files are durably removed before their rows",
        LOCAL,
        "        self._sync_names({path.parent for path in paths})\n",
        "",
        f"{DISPOSAL}::test_power_cut_at_every_call_of_a_removal_leaves_a_chunk_whole_or_nothing_of_it[strict]",
    ),
    _without(
        "a file that a barrier has just put into place is no stray",
        "storage/disposal.py",
        "strays = _blobs(_unnamed(files, named))",
        "strays = _blobs(files)",
        f"{DISPOSAL}::test_stray_that_a_row_came_to_name_stays",
    ),
)

MOVER = "storage/mover.py"
MOVED = "tests/storage/test_mover.py"
MOVES = (
    _without(
        "a chunk that was moved is read back before its row names the copy",
        MOVER,
        "            is_there = self._media.read(blob) == data\n",
        "            is_there = True\n",
        f"{MOVED}::test_what_a_server_says_to_have_kept_and_has_not_stays_where_it_was",
    ),
    _without(
        "a full listing of the new store before the switch",
        MOVER,
        "listed.get(row.blob) != row.stored_size]",
        "False]",
        f"{MOVED}::test_object_that_is_not_in_the_listing_is_copied_again_and_nothing_is_switched",
    ),
    _without(
        "a chunk that is being copied is put by nobody else",
        "storage/barrier.py",
        " or (blob not in here and chunk_id not in self.moving)",
        " or blob not in here",
        f"{MOVED}::test_chunk_that_is_put_while_it_waits_to_be_copied_has_moved_by_that",
    ),
    _without(
        "no switch while a row names the old store",
        MOVER,
        "is_left = moves.is_left(session.connection, move.source)",
        "is_left = False",
        f"{MOVED}::test_nothing_is_switched_while_a_row_names_the_old_store",
    ),
    _without(
        "a move whose beginning was cut short turns to the new store before it copies",
        MOVER,
        "if move.is_both and move.target is not self.backend:",
        "if False:",
        f"{MOVED}::test_move_whose_beginning_found_the_disk_full_puts_what_is_new_where_the_store_stays",
    ),
)

MUTANTS = (*SYNC_CALLS, *ORDER, *RULES, *SIGNATURE, *ROOM, *TRUST, *COLLECTION, *MOVES)
