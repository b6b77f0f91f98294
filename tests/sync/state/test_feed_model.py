"""Whatever people do at a real server between two pages, who takes them over ends with the tree that they may see."""

import msgspec
import pytest

from app.application import Cairn
from app.auth.identity import Actor
from app.services.feed_page import Change
from app.services.feed_view import Asked
from app.wire_sync import ChangeReply, SyncReply
from client.protocol import SyncAnswer
from client.sync.model import Kind, LocalEntry, RemoteNode, Stat
from client.sync.trees.feed import apply_page, begin_again
from client.sync.trees.state import State
from tests.feed.conftest import Home, home  # noqa: F401 - a fixture
from tests.feed.model import World
from tests.feed.shared_model import SharedWorld
from tests.feed.test_shared_model import sign_up
from tests.sync.state.rows import put, synced

STEPS = 150


async def _next_page(cairn: Cairn, actor: Actor, state: State, limit: int) -> SyncAnswer:
    def show(change: Change) -> ChangeReply:
        return ChangeReply.of(change, cairn.services.epoch)

    asked = Asked(cursor=state.meta("cursor"), limit=limit)
    with cairn.services.answers.lease("") as lease:
        page = await cairn.services.feed.poll(actor, asked, wait_s=0.0, is_gone=lambda: False, show=show, lease=lease)
    return msgspec.json.decode(msgspec.json.encode(SyncReply.of(page)), type=SyncAnswer)


async def _turn(cairn: Cairn, actor: Actor, state: State, limit: int) -> bool:
    """Take a page over, twice, as after a crash; return whether more is to come."""
    answer = await _next_page(cairn, actor, state, limit)
    apply_page(state, answer)
    if answer.has_more:
        apply_page(state, answer)
    return answer.has_more


def _nodes(state: State) -> dict[str, RemoteNode]:
    homes = state.db.rows("SELECT id FROM remote WHERE parent_id IS NULL")
    assert len(homes) <= 1
    found = [row[0] for row in state.db.rows("SELECT id FROM remote")]
    below = {node.id: node for (home_id,) in homes for node in state.rows_below(home_id)}
    assert len(below) + len(homes) == len(found)
    return below


def _shown(node: RemoteNode) -> tuple[object, ...]:
    return node.parent_id, node.name, node.kind.value, node.version_id, node.mtime_ms, node.executable


def _sync_all(state: State) -> None:
    """Have every node here too, so that what leaves the view is noted."""
    stat = Stat(Kind.FILE, 0, 0, 0, 0, 0, executable=False)
    for node in _nodes(state).values():
        if state.synced(node.id) is None:
            lid = state.new_lid()
            entry = LocalEntry(lid, 0, f"{lid}", stat)
            put(state, [entry, synced(node, entry)])


@pytest.mark.parametrize("seed", range(2))
async def test_a_device_ends_with_the_tree_of_its_account(home: Home, state: State, seed: int) -> None:  # noqa: F811 - the fixture
    print(f"seed {seed}")  # noqa: T201 - stands beside a failure
    world = World(home.cairn, home.actor, seed)
    await world.begin()

    for _ in range(STEPS):
        await world.step()
        if world.chance.random() < 0.5:
            await _turn(home.cairn, home.actor, state, world.chance.randint(1, 20))
        if world.chance.random() < 0.02:
            begin_again(state)
    await world.finish_work()
    while await _turn(home.cairn, home.actor, state, 7):
        pass

    live = {node_id: shown for node_id, shown in world.live().items() if shown[0] is not None}
    assert {node_id: _shown(node) for node_id, node in _nodes(state).items()} == live
    assert state.db.rows("SELECT id FROM doomed UNION SELECT id FROM unseen UNION SELECT id FROM refused") == []


@pytest.mark.parametrize("seed", range(2))
async def test_devices_of_people_who_share_end_with_what_each_may_see(
    home: Home,  # noqa: F811 - the fixture
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
) -> None:
    print(f"seed {seed}")  # noqa: T201 - stands beside a failure
    world = SharedWorld(home.cairn, await sign_up(home), seed)
    await world.begin()
    folder = tmp_path_factory.mktemp("states")
    devices = [(person, State.open(str(folder / f"{number}.db"))) for number, person in enumerate(world.people)]

    for _ in range(STEPS):
        await world.step()
        for person, state in devices:
            if world.chance.random() < 0.4 and not await _turn(home.cairn, person, state, world.chance.randint(1, 20)):
                _sync_all(state)
    await world.finish_work()
    for person, state in devices:
        while await _turn(home.cairn, person, state, 7):
            pass
        view = {node_id: shown[:6] for node_id, shown in world.view(person).items() if shown[0] is not None}
        assert {node_id: _shown(node) for node_id, node in _nodes(state).items()} == view
        left = [row[0] for row in state.db.rows("SELECT id FROM left_view")]
        assert not set(left) & set(view)
        state.close()
