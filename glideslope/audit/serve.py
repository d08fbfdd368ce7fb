"""A log over HTTP, read only, as C2SP tlog-tiles has it: what clients and witnesses read.

The records are not served: they are encrypted, and nobody's business all the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from services.audit.tlog.paths import CHECKPOINT, BadPathError, Tile

_FOREVER: Final = "public, max-age=31536000, immutable"
_MOMENT: Final = "no-cache"


def served(logs: Mapping[str, Path]) -> Starlette:
    """Return the application that serves each log, checkpoint and tiles, under its name."""

    async def object_of(request: Request) -> Response:
        folder = logs.get(request.path_params["log"])
        name = request.path_params["name"]
        if folder is None or not _is_public(name) or not (folder / name).is_file():
            return Response("there is no such object\n", 404, media_type="text/plain")
        if name == CHECKPOINT:
            headers = {"cache-control": _MOMENT}
            return FileResponse(folder / name, headers=headers, media_type="text/plain")
        headers = {"cache-control": _FOREVER}
        media_type = "application/octet-stream"
        return FileResponse(folder / name, headers=headers, media_type=media_type)

    return Starlette(routes=[Route("/{log}/{name:path}", object_of, methods=["GET"])])


def _is_public(name: str) -> bool:
    try:
        return name == CHECKPOINT or bool(Tile.of(name))
    except BadPathError:
        return False
