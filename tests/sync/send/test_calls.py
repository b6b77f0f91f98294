"""Changes of the tree: adopted, refused, lost on the way, and no delete that its author had not seen."""

from client.protocol import ChangeRequest, File
from client.sync.loop.attempts import Attempt
from client.sync.operations import DeleteThere, MakeFolderThere, MoveThere, SetThere
from client.sync.outcome import Blocked, Done, Stale, Task, Unsure
from client.sync.send.asked import Passed, ask
from tests.server import RunningServer
from tests.sync.send.conftest import Device, Make, Proxied, node_of, synced_of


def make(device: Device, name: str) -> MakeFolderThere:
    (device.root / name).mkdir(exist_ok=True)
    return MakeFolderThere(entry=device.entry(name), parent_id=device.home.file_id, name=name)


def made(device: Device, name: str) -> File:
    outcome = device.sender.call(Task(make(device, name), (name,)))
    assert isinstance(outcome, Done)
    assert outcome.file is not None
    return outcome.file


def present(device: Device, name: str, content: bytes = b"one") -> File:
    base = device.put(name, content)
    file = device.net.find_by_id(base.id)
    assert file is not None
    return file


def delete_file(device: Device, name: str) -> Task[DeleteThere]:
    base = device.put(name, b"to go")
    file = device.net.find_by_id(base.id)
    assert file is not None
    (device.root / name).unlink()
    return Task(DeleteThere(node=node_of(file), base=base), (name,))


def test_a_folder_is_made_or_the_one_that_is_there_is_adopted(device: Device) -> None:
    first = made(device, "Photos")

    again = device.sender.call(Task(make(device, "Photos"), ("Photos",)))

    assert (first.kind, first.parent_id, first.name) == ("folder", device.home.file_id, "Photos")
    assert isinstance(again, Done)
    assert again.file is not None
    assert again.file.file_id == first.file_id


def test_a_folder_is_not_made_over_a_file(device: Device) -> None:
    file = present(device, "Photos")
    (device.root / "Photos").unlink()

    outcome = device.sender.call(Task(make(device, "Photos"), ("Photos",)))

    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert outcome.current.file_id == file.file_id


def test_a_node_moves_only_as_it_was_seen(device: Device) -> None:
    folder, file = made(device, "Photos"), present(device, "a")
    operation = MoveThere(node=node_of(file), entry=device.entry("a"), parent_id=folder.file_id, name="b")

    outcome = device.sender.call(Task(operation, ("a",)))
    again = device.sender.call(Task(operation, ("a",)))

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert (outcome.file.parent_id, outcome.file.name) == (folder.file_id, "b")
    assert isinstance(again, Stale)  # its seq is another by now
    assert again.current is not None


def test_a_name_that_is_taken_stays_whose_it_is(device: Device) -> None:
    file, other = present(device, "a"), present(device, "b", b"two")
    operation = MoveThere(node=node_of(file), entry=device.entry("a"), parent_id=device.home.file_id, name="b")

    outcome = device.sender.call(Task(operation, ("a",)))

    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert outcome.current.file_id == other.file_id


def test_a_folder_does_not_move_into_itself(device: Device) -> None:
    above = made(device, "above")
    below = device.net.make_child(above.file_id, "below")
    operation = MoveThere(node=node_of(above), entry=device.entry("above"), parent_id=below.file_id, name="above")

    outcome = device.sender.call(Task(operation, ("above",)))

    assert isinstance(outcome, Stale)


def test_time_and_executable_bit_are_set_and_make_no_version(device: Device) -> None:
    file = present(device, "a")
    (device.root / "a").chmod(0o755)

    outcome = device.sender.call(Task(SetThere(node=node_of(file), entry=device.entry("a")), ("a",)))

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert (outcome.file.executable, outcome.file.mtime_ms) == (True, 1_700_000_000_125)
    assert outcome.file.version_id == file.version_id


def test_a_file_that_is_gone_here_is_deleted_there(device: Device) -> None:
    task = delete_file(device, "a")

    outcome = device.sender.call(task)
    again = device.sender.call(task)

    assert isinstance(outcome, Done)
    assert device.there("a") is None
    assert isinstance(again, Done)


def test_a_newer_version_survives_a_delete(device: Device) -> None:
    task = delete_file(device, "a")
    assert task.operation.base is not None
    device.edit_there(task.operation.base, "a", b"newer")
    (device.root / "a").unlink()

    outcome = device.sender.call(task)

    assert isinstance(outcome, Stale)
    assert not outcome.refused
    assert device.there("a") is not None


def test_a_file_that_was_moved_there_survives_a_delete(device: Device) -> None:
    task = delete_file(device, "a")
    assert task.operation.node is not None
    device.rename_there(task.operation.node.id, "b")

    outcome = device.sender.call(task)

    assert isinstance(outcome, Stale)
    assert device.there("b") is not None


def test_nothing_is_deleted_that_is_here_again(device: Device) -> None:
    task = delete_file(device, "a")
    device.write("a", b"back")

    outcome = device.sender.call(task)

    assert isinstance(outcome, Stale)
    assert device.there("a") is not None


def test_nothing_is_deleted_whose_place_cannot_be_seen(device: Device) -> None:
    folder = device.net.make_child(device.home.file_id, "Photos")
    base = device.put("a", b"one")
    file = device.net.patch(base.id, ChangeRequest(parent_id=folder.file_id))
    operation = DeleteThere(node=node_of(file), base=base)
    (device.root / "elsewhere").mkdir()
    (device.root / "Photos").symlink_to(device.root / "elsewhere")

    through_a_link = device.sender.call(Task(operation, ("Photos", "a")))
    nowhere = device.sender.call(Task(operation))

    assert isinstance(through_a_link, (Stale, Blocked))
    assert isinstance(nowhere, Stale)
    assert device.net.find_by_id(base.id) is not None


def test_a_file_is_deleted_though_its_folder_is_gone_too(device: Device) -> None:
    task = delete_file(device, "a")

    outcome = device.sender.call(Task(task.operation, ("gone", "deeper", "a")))

    assert isinstance(outcome, Done)


def test_nothing_is_deleted_without_a_base(device: Device) -> None:
    task = delete_file(device, "a")
    folder = device.net.make_child(device.home.file_id, "Photos")

    file = device.sender.call(Task(DeleteThere(node=task.operation.node), ("a",)))
    tree = device.sender.call(Task(DeleteThere(node=node_of(folder)), ("Photos",)))

    assert isinstance(file, Stale)
    assert isinstance(tree, Stale)
    assert {child.name for child in device.net.list_children(device.home.file_id)} == {"a", "Photos"}


def test_a_folder_goes_with_all_that_was_seen_and_with_nothing_newer(device: Device) -> None:
    folder = device.net.make_child(device.home.file_id, "Photos")
    seen = device.net.make_child(folder.file_id, "seen").seq
    operation = DeleteThere(node=node_of(folder), below_seq=seen)
    newer = device.net.make_child(folder.file_id, "newer").seq

    refused = device.sender.call(Task(operation, ("Photos",)))
    outcome = device.sender.call(Task(DeleteThere(node=node_of(folder), below_seq=newer), ("Photos",)))

    assert isinstance(refused, Stale)
    assert refused.refused
    assert isinstance(outcome, Done)
    assert device.there("Photos") is None


def test_many_calls_end_each_in_its_way(device: Device) -> None:
    present(device, "taken")
    (device.root / "taken").unlink()
    names = ["a", "taken", "b", "c"]

    outcomes = device.sender.call_many([Task(make(device, name), (name,)) for name in names])

    assert [type(outcome) for outcome in outcomes] == [Done, Stale, Done, Done]


def test_a_change_whose_answer_is_lost_goes_out_once_and_is_asked_about(proxied: Proxied) -> None:
    device = proxied.device
    file = present(device, "a")
    operation = MoveThere(node=node_of(file), entry=device.entry("a"), parent_id=device.home.file_id, name="b")
    attempt = Attempt("move", 1, 0, "a", id=file.file_id, parent_id=device.home.file_id, name="b")
    before = ask(device.net, attempt)
    proxied.road.lose(1, "PATCH", file.file_id)

    outcome = device.sender.call(Task(operation, ("a",)))
    after = ask(device.net, attempt)

    assert isinstance(outcome, Unsure)
    assert proxied.asked("PATCH", file.file_id) == 1
    assert before is None
    assert after is not None
    assert after.file.name == "b"


def test_a_change_that_never_arrived_did_not_come_to_pass(proxied: Proxied) -> None:
    device = proxied.device
    (device.root / "Photos").mkdir()
    attempt = Attempt("make", 1, 0, "Photos", parent_id=device.home.file_id, name="Photos")
    proxied.road.lose(1, "POST", "/folders", handled=False)

    outcome = device.sender.call(Task(make(device, "Photos"), ("Photos",)))
    lost = ask(device.net, attempt)
    made(device, "Photos")
    there = ask(device.net, attempt)

    assert isinstance(outcome, Unsure)
    assert lost is None
    assert there is not None
    assert there.file.kind == "folder"


def test_a_lost_delete_may_be_repeated(proxied: Proxied) -> None:
    task = delete_file(proxied.device, "a")
    proxied.road.lose(1, "DELETE", "/files/")

    outcome = proxied.device.sender.call(task)

    assert isinstance(outcome, Done)


def test_a_server_out_of_reach_blocks_what_surely_was_not_sent(
    device: Device, server: RunningServer, connect: Make
) -> None:
    net = connect(server.url, 0.05)
    server.kill()

    outcome = device.with_net(net).sender.call(Task(make(device, "Photos"), ("Photos",)))

    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.all_of) == ("unreachable", "calls")


def test_an_upload_is_asked_about_by_its_id(device: Device) -> None:
    task, prepared = device.prepare("a", b"asked about")
    committed = device.sender.commit([(task, prepared)])[0]
    _, waiting = device.prepare("b", b"never committed")
    assert isinstance(committed, Done)

    def asked(upload_id: str) -> Passed | None:
        stat = device.entry("a").stat
        return ask(device.net, Attempt("upload", 1, 0, "a", upload_id=upload_id, stat=stat))

    done, still_open, unknown = asked(prepared.upload_id), asked(waiting.upload_id), asked("00000000000000")

    assert done is not None
    assert (done.file.file_id, done.file.version_id) == (synced_of(committed).id, synced_of(committed).version_id)
    assert done.made == done.file.version_id
    assert (still_open, unknown) == (None, None)
    assert device.net.find_upload(waiting.upload_id) is None  # it can come to pass no more


def test_what_was_observed_to_stand_there_is_no_obstacle_and_nothing_else_is_taken_for_it(device: Device) -> None:
    task = delete_file(device, "a")
    (device.root / "a").mkdir()
    standing = device.entry("a")
    (device.root / "a").rmdir()
    device.write("a", b"yet another")

    other = device.sender.call(Task(task.operation, ("a",), standing=standing))
    outcome = device.sender.call(Task(task.operation, ("a",), standing=device.entry("a")))

    assert isinstance(other, Stale)
    assert isinstance(outcome, Done)
    assert device.there("a") is None


def test_what_was_below_a_folder_is_gone_where_a_file_stands_now(device: Device) -> None:
    task = delete_file(device, "a")
    device.write("Photos", b"a file now")

    outcome = device.sender.call(Task(task.operation, ("Photos", "deep", "a")))

    assert isinstance(outcome, Done)
