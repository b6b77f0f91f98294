"""What a program has locked at the server waits here, is named, and is sent once the lock is gone."""

import http.client

from client.remote import Remote
from client.sync.operations import DeleteThere, MoveThere
from client.sync.outcome import Blocked, Done, Prepared, Task
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.sync.send.conftest import Device, node_of

LOCKINFO = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'


class Program:
    """A program that speaks WebDAV, at a device of its own."""

    def __init__(self, server: RunningServer, device: Device) -> None:
        """Let it log in."""
        remote = Remote(server.url)
        self._port, self._path = server.port, f"/dav/{device.home.name}"
        self._headers = {"Authorization": f"Bearer {remote.login(ADMIN, PASSWORD, 'program').token}"}
        remote.close()

    def lock(self) -> str:
        """Lock the device's folder at the server; return the token."""
        return self._call("LOCK", LOCKINFO, {"Content-Type": "application/xml"}).headers["Lock-Token"]

    def unlock(self, token: str) -> None:
        """Give the lock back."""
        self._call("UNLOCK", "", {"Lock-Token": token})

    def _call(self, method: str, body: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(method, self._path, body, {**self._headers, **headers})
        answer = connection.getresponse()
        assert answer.status in {200, 204}, answer.read()
        answer.read()
        connection.close()
        return answer


def test_what_is_locked_waits_is_named_and_is_sent_when_that_is_over(server: RunningServer, device: Device) -> None:
    program, base = Program(server, device), device.put("a", b"one")
    file = device.net.find_by_id(base.id)
    assert file is not None
    task, prepared = device.prepare("new", b"three")
    gone = device.put("gone", b"four")
    there = device.net.find_by_id(gone.id)
    assert there is not None
    token = program.lock()
    device.write("a", b"two")
    (device.root / "gone").unlink()
    edit = device.version("a", base)
    move = Task(MoveThere(node=node_of(file), entry=device.entry("a"), parent_id=base.parent_id, name="b"), ("a",))
    delete = Task(DeleteThere(node=node_of(there), base=gone), ("gone",))

    outcomes = [
        *device.send([edit]),
        *device.sender.commit([(task, prepared)]),
        *device.sender.call_many([move, delete]),
    ]

    for outcome in outcomes:
        assert isinstance(outcome, Blocked), outcome
        assert (outcome.problem.code, outcome.all_of) == ("locked", None)
        assert "has locked it" in outcome.problem.message
    program.unlock(token)
    (sent,) = device.send([edit])
    assert isinstance(sent, Done)
    (prepared_again,) = device.sender.upload_small([task])
    assert isinstance(prepared_again, Prepared)
    assert all(isinstance(outcome, Done) for outcome in device.sender.commit([(task, prepared_again)]))
    assert isinstance(device.sender.call(delete), Done)
