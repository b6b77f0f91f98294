"""Handlers of jobs: how far work is that goes on after its request was answered."""

from aiohttp import web

from app.api.routes import Access, Routes
from app.keys import ACTOR, SERVICES
from app.wire_jobs import JobReply

routes = Routes()


@routes.get("/api/v1/jobs/{job_id}", access=Access.FILES)
async def get_job(request: web.Request) -> JobReply:
    """Tell how far a job is; once it is done, for 14 days what came of it."""
    return JobReply.of(await request.app[SERVICES].jobs.get(request[ACTOR], request.match_info["job_id"]))
