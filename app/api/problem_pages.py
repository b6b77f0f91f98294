"""Refusals as people read them: where a browser wants a page, it gets one that says what happened and what to do."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from app.api.pages import page_reply
from app.errors import RateLimitedError
from app.keys import SERVICES
from app.problems import Problem, problem_response

PROGRAMS: Final = ("api", "bundles", "chunks", "content", "healthz", "metrics", "ocs", "readyz", "remote.php", "static")
"""What stands first in the paths of programs: these get problem details, whatever they say they accept."""
_WORDS: Mapping[int, str] = {
    400: "missing",
    403: "forbidden",
    404: "missing",
    405: "missing",
    429: "throttled",
    503: "busy",
}


def wants_page(request: web.Request) -> bool:
    """Say whether it is a person who waits for the answer."""
    accepted = request.headers.get("Accept", "")
    return "text/html" in accepted and request.path.split("/")[1] not in PROGRAMS


def problem_page(request: web.Request, problem: Problem, error: Exception) -> web.Response:
    """Return a page about a refusal, with its status and headers."""
    is_served = not request.app[SERVICES].setup.is_needed
    word = _WORDS.get(problem.status, "failed") if is_served else "not_set_up"
    page = page_reply(
        request,
        "problem.html",
        status=problem.status,
        title=f"problem.{word}",
        text=f"problem.{word}_text",
        wait_s=error.retry_after_s if isinstance(error, RateLimitedError) else 0,
        request_id=(problem.request_id or "") if word == "failed" else "",
        is_served=is_served,
    )
    told = problem_response(problem, error).headers
    page.headers.update({name: told[name] for name in ("Retry-After", "Allow") if name in told})
    return page
