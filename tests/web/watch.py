"""What no page may do: complain in the console, break its own policy, ask another host."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
NO_WORKER = "Service Worker registration blocked by Playwright"
OWN = ("data", "blob", "about")


@dataclass
class Watch:
    """Sees all that the pages of a browser context do; `check` fails with what was wrong.

    A browser writes every refused request to the console. A test that means to be refused says so by `allow`.
    """

    host: str
    problems: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Watch every page of a context, workers included."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
        context.on("request", self._request)

    def allow(self, pattern: str) -> None:
        """Let through what complains of this: a regular expression."""
        self.allowed.append(pattern)

    def check(self) -> None:
        """Fail if there was anything that is not allowed."""
        left = [one for one in self.problems if not any(re.search(pattern, one) for pattern in self.allowed)]
        assert not left, "\n".join(left)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and message.text != NO_WORKER:
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        self.requests.append(request.url)
        if parts.scheme not in OWN and parts.netloc != self.host:
            self.problems.append(f"foreign request: {request.url}")


def check_axe(page: Page, within: str = "") -> None:
    """Fail if axe finds a violation, in light and in dark.

    Args:
        within: a selector of the part that is judged; the whole page if empty.
    """
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if not page.evaluate("typeof axe === 'object'"):
            page.evaluate(AXE)
        result: Any = page.evaluate("(within) => axe.run(within || document)", within)
        for violation in result["violations"]:
            nodes = "; ".join(f"{node['html'][:200]} {node['failureSummary']}" for node in violation["nodes"][:3])
            found.append(f"{scheme}: {violation['id']}: {nodes}")
    assert not found, "\n".join(found)
