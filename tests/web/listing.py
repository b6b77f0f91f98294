"""How tests find what a list of files shows."""

from playwright.sync_api import Locator, Page

from tests.web.people import Person


def rows(page: Page) -> Locator:
    """The entries that are shown."""
    return page.locator(".files-rows [role=row]")


def row(page: Page, name: str) -> Locator:
    """The row of an entry."""
    return rows(page).filter(has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    """The names that are shown, in their order."""
    return [link.inner_text().replace("\n", "") for link in page.locator(".files-rows .file-name").all()]


def choose(page: Page, *wanted: str) -> None:
    """Select entries by their boxes."""
    for name in wanted:
        row(page, name).get_by_role("checkbox").check()


def act(page: Page, name: str, action: str) -> None:
    """Do something with one entry by its menu."""
    row(page, name).hover()
    row(page, name).get_by_role("button", name=f"More actions for {name}", exact=True).click()
    page.get_by_role("menuitem", name=action).click()


def undo(page: Page) -> None:
    """Take back what the last note tells of."""
    page.get_by_role("status").get_by_role("button", name="Undo").last.click()


def make_many(person: Person, folder: str, count: int) -> None:
    """Make empty files in a folder, a thousand a call."""
    person.folder(folder)
    for start in range(0, count, 1000):
        numbers = range(start, min(count, start + 1000))
        files = [{"path": f"{folder}/{number:04}.txt", "size": 0, "mtime_ms": number} for number in numbers]
        made = person.call("POST", "/api/v1/uploadRequest", {"files": files}).json["uploads"]
        ids = [upload["upload_id"] for upload in made]
        person.call("POST", "/api/v1/uploads/commit", {"upload_ids": ids})
