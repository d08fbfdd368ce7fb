import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs

from shared.certificates import Certificates, CertificatesError, Files
from tests.authority import Authority


@asynccontextmanager
async def server(authority: Authority) -> AsyncIterator[int]:
    """Serve the name on the client's certificate to whoever connects; give the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    context.load_cert_chain(authority.issue("server"))
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(pair for (pair,) in writer.get_extra_info("peercert")["subject"])
        writer.write(subject["commonName"].encode())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def seen_as(context: ssl.SSLContext, port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return (await reader.read()).decode()
    finally:
        writer.close()


def files(authority: Authority, name: str) -> Files:
    return Files(authority.file, authority.issue(name, "client"))


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_new_connection_shows_the_certificate_that_is_there_now(
    tmp_path: Path, loop: type[asyncio.AbstractEventLoop]
) -> None:
    async def rotating() -> list[str]:
        authority = Authority(tmp_path)
        context = Certificates(files(authority, "first"))
        async with server(authority) as port:
            seen = [await seen_as(context, port)]
            authority.issue("second", "client")
            return [*seen, await seen_as(context, port), await seen_as(context, port)]

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(rotating()) == ["first", "second", "second"]


async def test_while_files_do_not_go_together_the_last_ones_serve(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    given = files(authority, "first")
    assert given.certificate is not None
    context = Certificates(given)
    async with server(authority) as port:
        given.certificate.write_text("half a certificate")
        with capture_logs() as said:
            assert await seen_as(context, port) == "first"
        assert [line["event"] for line in said] == ["certificates not read"]

        authority.issue("second", "client")
        assert await seen_as(context, port) == "second"


async def test_an_authority_that_is_taken_away_is_trusted_no_more(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    context = Certificates(files(authority, "client"))
    async with server(authority) as port:
        await seen_as(context, port)
        authority.file.write_bytes(other.file.read_bytes())
        with pytest.raises(ssl.SSLCertVerificationError):
            await seen_as(context, port)


async def test_a_server_that_is_another_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = Certificates(files(authority, "client"))
    async with server(authority) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="kafka.example"
            )


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(CertificatesError, match=r"FileNotFoundError.*KAFKA_SSL_CA_FILE.*ca\.pem"):
        Certificates(Files(path))
    path.write_text("none")
    with pytest.raises(CertificatesError, match="SSLError"):
        Certificates(Files(path))


def test_the_password_of_a_key_is_not_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    sealed = authority.issue("client", password="canary-6c1f")
    assert "canary" not in repr(Files(authority.file, sealed, key_password="canary-6c1f"))
    Certificates(Files(authority.file, sealed, key_password="canary-6c1f"))
    with pytest.raises(CertificatesError) as wrong:
        Certificates(Files(authority.file, sealed, key_password="canary-other"))
    assert "canary" not in str(wrong.value)
