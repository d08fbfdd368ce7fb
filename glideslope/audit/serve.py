"""A log over HTTP, read only, as C2SP tlog-tiles has it: what clients and witnesses read.

The checkpoint is served with what witnesses have cosigned of it. The records are not served: they
are encrypted, and nobody's business all the same.
"""

from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glideslope.audit.cosignatures import with_cosignatures
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from services.audit.tlog.paths import CHECKPOINT, KEYS, BadPathError, Tile, key_path

_FOREVER: Final = "public, max-age=31536000, immutable"
_MOMENT: Final = "no-cache"


def served(logs: Mapping[str, Objects]) -> Starlette:
    """Return the application that serves each log, checkpoint, tiles and keys, under its name."""

    async def object_of(request: Request) -> Response:
        objects = logs.get(request.path_params["log"])
        name = request.path_params["name"]
        if objects is None or not _is_public(name):
            return Response("there is no such object\n", 404, media_type="text/plain")
        try:
            return await run_in_threadpool(_answer, objects, name)
        except MissingObjectError:
            return Response("there is no such object\n", 404, media_type="text/plain")
        except UnreadableObjectError:
            return Response("the log cannot be read now\n", 503, media_type="text/plain")

    return Starlette(routes=[Route("/{log}/{name:path}", object_of, methods=["GET"])])


def _answer(objects: Objects, name: str) -> Response:
    if name == CHECKPOINT:
        raw = with_cosignatures(objects.read(name), objects)
        return Response(raw, headers={"cache-control": _MOMENT}, media_type="text/plain")
    media_type = "text/plain" if name.startswith(KEYS) else "application/octet-stream"
    headers = {"cache-control": _FOREVER}
    return Response(objects.read(name), headers=headers, media_type=media_type)


def _is_public(name: str) -> bool:
    number = name.removeprefix(KEYS)
    if number.isascii() and number.isdecimal():
        return key_path(int(number)) == name
    try:
        return name == CHECKPOINT or bool(Tile.of(name))
    except BadPathError:
        return False
