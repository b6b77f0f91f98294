"""Much: a gibibyte, and ten thousand files. `pytest -m soak -s` shows the figures."""

import time

import pytest
from playwright.sync_api import Page

from tests.server import RunningServer
from tests.web.conftest import both_origins, ready
from tests.web.people import Person
from tests.web.upload.conftest import MIB, Barring, Files, Panel, arrived, find, received

pytestmark = pytest.mark.soak

LONG_TASK_MS = 100
WATCH_TASKS = """() => {
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const {startTime, duration} of list.getEntries()) longTasks.push([startTime, duration].map(Math.round));
  }).observe({type: "longtask"});
}"""


def long_tasks(page: Page) -> list[tuple[int, int]]:
    """Return begin and length, in ms, of each time that the page did not answer, from 50 ms on."""
    return [(begin, length) for begin, length in page.evaluate("longTasks")]


@both_origins
def test_a_gibibyte_arrives_fast(panel: Panel, files: Files, ada: Person, origin: str) -> None:
    source = files.make("gibibyte.bin", 1024 * MIB)
    panel.page.wait_for_selector("#upload-files", state="attached")
    begun_s = time.monotonic()

    panel.put(source)
    panel.says("One file uploaded")

    seconds = time.monotonic() - begun_s
    print(f"\n{origin}: {1024 / seconds:.0f} MiB/s")  # noqa: T201 - a figure for people
    assert find(ada, f"{panel.folder}/gibibyte.bin")["size"] == 1024 * MIB


@both_origins
def test_a_gibibyte_goes_on_after_a_reload(
    panel: Panel, files: Files, ada: Person, server: RunningServer, bar: Barring, origin: str
) -> None:
    source = files.make("again.bin", 1024 * MIB)
    before = received(server)
    barrier = bar(30)
    panel.put(source)
    barrier.wait(panel.page)
    panel.page.on("dialog", lambda dialog: dialog.accept())
    panel.page.reload()
    ready(panel.page)
    barrier.drop()
    panel.page.context.unroute_all()
    panel.page.locator("#upload-again").set_input_files(source)
    panel.says("One file uploaded")

    share = (received(server) - before) / (1024 * MIB)
    print(f"\n{origin}: {share:.4f} of the file on the wire")  # noqa: T201 - a figure for people
    assert 1 <= share < 1.05
    assert arrived(ada, panel.folder, source)


@pytest.mark.parametrize("count", [2_000, 10_000])
@both_origins
def test_many_small_files_arrive_fast_and_the_page_answers_all_the_while(
    panel: Panel, files: Files, ada: Person, origin: str, count: int
) -> None:
    for number in range(count):
        files.make(f"many/{number // 1000}/{number}.bin", 4096)
    panel.page.wait_for_selector("#upload-files", state="attached")
    session = panel.page.context.new_cdp_session(panel.page)
    data = {"items": [], "files": [str(files.folder / "many")], "dragOperationsMask": 1}
    panel.page.evaluate(WATCH_TASKS)
    begun_s = time.monotonic()

    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 500, "y": 300, "data": data})
    panel.says(f"{count} files uploaded")

    seconds = time.monotonic() - begun_s
    tasks = long_tasks(panel.page)
    longest = max((length for _, length in tasks), default=0)
    print(f"\n{origin}: {count / seconds:.0f} files/s; tasks over 50 ms: {len(tasks)}, the longest {longest} ms")  # noqa: T201 - a figure for people
    assert find(ada, f"{panel.folder}/many")["size"] == count * 4096
    assert [task for task in tasks if task[1] > LONG_TASK_MS] == []
