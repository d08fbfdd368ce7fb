"""An emulator of a Qdrant server: the REST calls that the index makes, over HTTP.

Behind it is the client library's own in-memory mode, which is a second implementation of Qdrant in
Python and no Qdrant. So it shows that requests and answers go over a wire, that a key and a
certificate are asked for, and that processes share what is there. Of Qdrant's speed, of its storage
and of its behaviour in a cluster it says nothing.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[QdrantClient, str, bytes], Any]

_SELECTOR: Final[TypeAdapter[Any]] = TypeAdapter(models.PointsSelector)
_UPDATED: Final = models.UpdateResult(status=models.UpdateStatus.COMPLETED, operation_id=0)


class Emulator:
    """A server with one key, or none. `refused` is how many calls it was too down to answer."""

    def __init__(self, *, api_key: str | None = None, version: str | None = None) -> None:
        self._client = QdrantClient(":memory:")
        self._api_key = api_key
        self._version = version or self._client.info().version
        self.is_down = False
        """While it is, every call is answered with 503."""
        self.refused = 0
        self.url = ""
        """Where it is, once it is served."""

    def app(self) -> Starlette:
        """Return it as an ASGI application; all calls are made one after the other."""
        return Starlette(
            routes=[
                Route("/", self._info),
                Route("/collections", self._collections),
                *(
                    Route(f"/collections/{{name}}{path}", self._answering(handler), methods=[verb])
                    for verb, path, handler in _CALLS
                ),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._guard)],
        )

    async def _guard(self, request: Request, proceed: RequestResponseEndpoint) -> Response:
        if self.is_down:
            self.refused += 1
            return JSONResponse({"status": {"error": "down"}}, 503)
        if self._api_key is not None and request.headers.get("api-key") != self._api_key:
            return JSONResponse({"status": {"error": "Invalid API key"}}, 401)
        return await proceed(request)

    async def _info(self, _: Request) -> Response:
        return JSONResponse({"title": "emulator of Qdrant", "version": self._version})

    async def _collections(self, _: Request) -> Response:
        return _result(self._client.get_collections())

    def _answering(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            try:
                return _result(handler(self._client, request.path_params["name"], body))
            except KeyError as error:
                return JSONResponse({"status": {"error": f"Not found: {error}"}}, 404)
            except ValueError as error:
                code = 404 if "not found" in str(error) else 409 if "exists" in str(error) else 400
                return JSONResponse({"status": {"error": str(error)}}, code)

        return answer


@contextmanager
def serving(emulator: Emulator, *, tls: tuple[str, str] | None = None) -> Iterator[str]:
    """Serve it on a free port from a thread; yields its URL. `tls`: certificate and key files."""
    listener = socket.create_server(("127.0.0.1", 0))
    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        emulator.app(),
        lifespan="off",
        log_config=None,
        log_level="critical",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="qdrant", daemon=True
    )
    thread.start()
    scheme = "http" if tls is None else "https"
    emulator.url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield emulator.url
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def _result(found: Any) -> Response:
    return JSONResponse(
        {"result": TypeAdapter(Any).dump_python(found, mode="json"), "status": "ok", "time": 0.0}
    )


def _create(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.CreateCollection.model_validate_json(body)
    return client.create_collection(
        name, vectors_config=told.vectors, sparse_vectors_config=told.sparse_vectors
    )


def _upsert(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.PointsList.model_validate_json(body)
    return client.upsert(
        name, told.points, update_filter=told.update_filter, update_mode=told.update_mode
    )


def _retrieve(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.PointRequest.model_validate_json(body)
    return client.retrieve(name, told.ids, with_payload=told.with_payload or True)


def _update_vectors(client: QdrantClient, name: str, body: bytes) -> Any:
    client.update_vectors(name, models.UpdateVectors.model_validate_json(body).points)
    return _UPDATED


def _set_payload(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.SetPayload.model_validate_json(body)
    selected = told.points if told.points is not None else told.filter
    return client.set_payload(name, told.payload, selected or [])


def _delete(client: QdrantClient, name: str, body: bytes) -> Any:
    return client.delete(name, _SELECTOR.validate_json(body))


def _count(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.CountRequest.model_validate_json(body)
    return client.count(name, count_filter=told.filter, exact=True)


def _query(client: QdrantClient, name: str, body: bytes) -> Any:
    told = models.QueryRequest.model_validate_json(body)
    return client.query_points(
        name,
        query=told.query,
        using=told.using,
        prefetch=told.prefetch,
        query_filter=told.filter,
        search_params=told.params,
        limit=told.limit or 10,
        with_payload=told.with_payload or True,
    )


_CALLS: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/exists", lambda client, name, _: {"exists": client.collection_exists(name)}),
    ("PUT", "", _create),
    ("DELETE", "", lambda client, name, _: client.delete_collection(name)),
    ("PUT", "/index", lambda *_: _UPDATED),
    ("PUT", "/points", _upsert),
    ("POST", "/points", _retrieve),
    ("PUT", "/points/vectors", _update_vectors),
    ("POST", "/points/payload", _set_payload),
    ("POST", "/points/delete", _delete),
    ("POST", "/points/count", _count),
    ("POST", "/points/query", _query),
)
