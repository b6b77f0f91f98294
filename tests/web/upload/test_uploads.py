"""Files on their way to the server: what arrives, and what is not sent twice."""

import os
import unicodedata

from playwright.sync_api import Route, expect

from tests.server import RunningServer
from tests.web.conftest import Opener, both_origins, ready
from tests.web.people import Person
from tests.web.upload.conftest import MIB, Barring, Files, Panel, arrived, find, names, received
from tests.web.watch import Watch

LITTLE = 64 * 1024  # what calls in JSON weigh
NONE_OPEN = """async () => {
  for (let tries = 0; tries < 200; tries += 1) {
    const {items} = await (await fetch("/api/v1/uploads")).json();
    if (items.length === 0) return true;
    await new Promise((go) => setTimeout(go, 50));
  }
  return false;
}"""


@both_origins
def test_chosen_files_arrive_as_they_are(panel: Panel, files: Files, ada: Person) -> None:
    sources = [
        files.make("empty", 0),
        files.make("a.txt", 5),
        files.make("b.bin", 700_000),
        files.make("c.bin", 5 * MIB),
    ]
    os.utime(sources[1], (1_600_000_000, 1_600_000_000))

    panel.put(*sources)

    panel.says("4 files uploaded")
    assert names(ada, panel.folder) == ["a.txt", "b.bin", "c.bin", "empty"]
    assert arrived(ada, panel.folder, *sources)
    assert find(ada, f"{panel.folder}/a.txt")["mtime_ms"] == 1_600_000_000_000


@both_origins
def test_a_dropped_folder_arrives_with_all_its_names_and_its_empty_folders(
    panel: Panel, files: Files, ada: Person
) -> None:
    hostile = ["Ünïcødé 日本.txt", "a'b\"c.txt", "<img src=x>.txt", "{{7*7}}.txt", "\u202etxt.exe", "Cafe\u0301.txt"]
    for name in hostile:
        files.make(f"Trip/sub/{name}", 100)
    files.make("Trip/.DS_Store", 10)
    (files.folder / "Trip" / "empty" / "deeper").mkdir(parents=True)

    panel.drop(files.folder / "Trip")

    panel.says(f"{len(hostile) + 1} files uploaded")  # the empty folder counts
    assert names(ada, f"{panel.folder}/Trip") == ["empty", "sub"]
    assert names(ada, f"{panel.folder}/Trip/empty") == ["deeper"]
    stored = [unicodedata.normalize("NFC", name) for name in hostile]
    assert sorted(names(ada, f"{panel.folder}/Trip/sub")) == sorted(stored)
    panel.tab("Skipped")
    panel.press("Upload .DS_Store anyway")
    panel.says(f"{len(hostile) + 2} files uploaded")
    assert ".DS_Store" in names(ada, f"{panel.folder}/Trip")


def test_a_folder_can_be_chosen(panel: Panel, files: Files, ada: Person) -> None:
    for number in range(3):
        files.make(f"Chosen/in/{number}.txt", 10)

    panel.put_folder(files.folder / "Chosen")

    panel.says("3 files uploaded")
    assert names(ada, f"{panel.folder}/Chosen/in") == ["0.txt", "1.txt", "2.txt"]


def test_files_dropped_on_a_folder_go_into_it(panel: Panel, files: Files, ada: Person) -> None:
    ada.folder(f"{panel.folder}/Inner")
    row = panel.page.get_by_role("row").filter(has_text="Inner")
    expect(row).to_be_visible()

    panel.drop(files.make("inside.txt", 10), on=row)

    panel.says("One file uploaded")
    assert names(ada, f"{panel.folder}/Inner") == ["inside.txt"]


def test_files_that_the_browser_keeps_go_on_by_themselves(
    panel: Panel, files: Files, ada: Person, bar: Barring
) -> None:
    panel.put(files.make("first.txt", 10))
    panel.says("One file uploaded")
    panel.press("More")
    panel.page.get_by_role("menuitemradio", name="Keep small uploads in this browser").click()
    source = files.make("kept.bin", 2 * MIB)
    barrier = bar()
    panel.put(source)
    barrier.wait(panel.page)
    panel.page.on("dialog", lambda dialog: dialog.accept())

    panel.page.reload()
    barrier.drop()

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)


def test_files_with_the_same_content_are_sent_once(
    panel: Panel, files: Files, ada: Person, server: RunningServer
) -> None:
    first = files.make("one.bin", 600_000, seed=1)
    second = files.make("two.bin", 600_000, seed=1)
    large = files.make("large.bin", 6 * MIB, seed=2)
    before = received(server)

    panel.put(first, second, large)
    panel.says("3 files uploaded")
    middle = received(server)
    copies = [files.make("copy of large.bin", 6 * MIB, seed=2), files.make("copy of one.bin", 600_000, seed=1)]
    panel.put(*copies)
    panel.says("5 files uploaded")

    assert middle - before < 600_000 + 6 * MIB + LITTLE
    assert received(server) - middle < LITTLE
    assert arrived(ada, panel.folder, first, second, large, *copies)
    expect(panel.element.locator(".upload-foot")).to_contain_text("did not have to be sent")


def test_what_is_there_already_is_skipped_without_a_word_to_the_server_and_what_was_deleted_is_not(
    panel: Panel, files: Files, ada: Person, server: RunningServer
) -> None:
    sources = [files.make("again.bin", 3 * MIB), files.make("again.txt", 30)]
    panel.put(*sources)
    panel.says("2 files uploaded")
    before = received(server)

    panel.put(*sources)

    panel.tab("Skipped")
    expect(panel.row("Already here")).to_have_count(2)
    assert received(server) - before == 0

    ada.call("DELETE", f"/api/v1/files/{find(ada, f'{panel.folder}/again.txt')['file_id']}")
    panel.put(*sources)

    panel.says("3 files uploaded")
    assert arrived(ada, panel.folder, *sources)


def test_what_is_all_there_already_is_no_upload_of_nothing(panel: Panel, files: Files) -> None:
    source = files.make("known.bin", 30)
    panel.put(source)
    panel.says("One file uploaded")
    panel.press("More")
    panel.page.get_by_role("menuitem", name="Clear finished").click()

    panel.put(source)

    panel.says("There was nothing new to upload")


def test_a_paused_upload_goes_on_where_it_was(
    panel: Panel, files: Files, ada: Person, server: RunningServer, bar: Barring
) -> None:
    source = files.make("paused.bin", 20 * MIB)
    before = received(server)
    barrier = bar(1)
    panel.put(source)
    barrier.wait(panel.page)

    with panel.page.context.expect_event("requestfailed"):  # it may go on for a moment, then it is ended
        panel.press("Pause all")
    panel.says("Paused, one file to go")
    barrier.drop()
    panel.press("Continue all")

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)
    assert received(server) - before < 1.05 * 20 * MIB


@both_origins
def test_after_a_reload_in_mid_file_the_same_file_goes_on(
    panel: Panel, files: Files, ada: Person, server: RunningServer, bar: Barring
) -> None:
    source = files.make("reloaded.bin", 24 * MIB)
    before = received(server)
    barrier = bar(2)
    panel.put(source)
    barrier.wait(panel.page)
    panel.page.on("dialog", lambda dialog: dialog.accept())  # it warns before it is left

    panel.page.reload()
    ready(panel.page)
    barrier.drop()
    expect(panel.notice).to_contain_text("One upload is unfinished: reloaded.bin")
    panel.page.locator("#upload-again").set_input_files(source)

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)
    # What was on its way when the page went is sent again: up to a tenth of so short a file (1 GiB: test_soak.py).
    assert 24 * MIB <= received(server) - before < 1.1 * 24 * MIB
    expect(panel.notice).to_be_hidden()


def test_what_was_dropped_goes_on_at_a_click_where_the_browser_keeps_a_way_to_it(
    panel: Panel, files: Files, ada: Person, bar: Barring
) -> None:
    sources = [files.make("Kept/in/large.bin", 6 * MIB), files.make("Kept/small.txt", 10), files.make("alone.txt", 10)]
    barrier = bar()
    panel.drop(files.folder / "Kept", sources[2])
    barrier.wait(panel.page, bodies=2)  # that of the large one, and of the pack
    panel.says("Uploading 3 files")
    panel.page.on("dialog", lambda dialog: dialog.accept())
    panel.page.reload()
    ready(panel.page)
    barrier.drop()
    expect(panel.notice).to_contain_text("3 uploads are unfinished")
    sources[2].unlink()

    panel.press("Continue")

    panel.says("2 files uploaded")
    assert arrived(ada, f"{panel.folder}/Kept/in", sources[0])
    assert arrived(ada, f"{panel.folder}/Kept", sources[1])
    expect(panel.notice).to_contain_text("One upload is unfinished")
    panel.press("Discard")
    assert panel.page.evaluate(NONE_OPEN)


def test_the_queue_is_loaded_on_first_use_and_what_went_away_by_then_holds_up_nothing(
    open_page: Opener, files: Files, ada: Person, folder: str, watch: Watch
) -> None:
    page = open_page(None, who=ada)
    page.add_init_script("globalThis.requestIdleCallback = () => 0")  # this page is never idle
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/upload/queue.js", hold)
    page.goto(f"/files{folder}")
    panel = Panel(page, folder)
    page.wait_for_selector("#upload-files", state="attached")
    loaded = {url.rpartition("/upload/")[2] for url in watch.requests if "/js/upload/" in url}
    assert loaded == {"start.js", "intake.js", "scan.js", "handles.js"}
    gone, stays = files.make("gone.txt", 10), files.make("stays.txt", 10)

    panel.drop(gone, stays)
    while not held:
        page.wait_for_timeout(20)
    gone.unlink()
    held[0].continue_()

    panel.says("One file could not be uploaded")
    expect(panel.row("gone.txt")).to_contain_text("Cannot be read any more")
    assert arrived(ada, folder, stays)


def test_unfinished_uploads_can_be_discarded(panel: Panel, files: Files, ada: Person, bar: Barring) -> None:
    barrier = bar(1)
    panel.put(files.make("discarded.bin", 20 * MIB))
    barrier.wait(panel.page)
    panel.page.on("dialog", lambda dialog: dialog.accept())
    panel.page.reload()
    ready(panel.page)
    barrier.drop()

    panel.press("Discard")

    expect(panel.element).to_be_hidden()
    assert panel.page.evaluate(NONE_OPEN)
    panel.page.reload()
    ready(panel.page)
    expect(panel.element).to_be_hidden()


@both_origins
def test_a_killed_server_costs_one_request_and_the_upload_goes_on_by_itself(
    panel: Panel, files: Files, ada: Person, server: RunningServer, bar: Barring, watch: Watch
) -> None:
    watch.allow("ERR_CONNECTION|ERR_EMPTY|503|Failed to load|net::ERR")
    source = files.make("killed.bin", 24 * MIB)
    small = [files.make(f"killed {number}.txt", 1000) for number in range(20)]
    barrier = bar(1)
    panel.put(source, *small)
    barrier.wait(panel.page)

    server.kill()
    barrier.lift()
    expect(panel.notice).to_contain_text("cannot be reached")
    server.start()

    panel.says("21 files uploaded")
    assert arrived(ada, panel.folder, source, *small)


@both_origins
def test_without_a_network_it_waits_and_goes_on_by_itself(
    panel: Panel, files: Files, ada: Person, bar: Barring, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET|Failed to load|net::ERR")
    source = files.make("offline.bin", 20 * MIB)
    barrier = bar(1)
    panel.put(source)
    barrier.wait(panel.page)

    panel.page.context.set_offline(True)
    barrier.lift()
    expect(panel.notice).to_contain_text("cannot be reached")
    panel.page.context.set_offline(False)

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)
