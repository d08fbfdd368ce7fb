"""A real Apache Kafka where nobody is let in unnamed, and nobody may do what no ACL says.

One node with the StandardAuthorizer. Listeners: SASL_SSL with SCRAM-SHA-512 and OAUTHBEARER, and
SSL with certificates on both sides. What the authorizer decided is in `authorizer.log`.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
)
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from glideslope.access import Kind, Principal
from glideslope.kafka import jvm
from glideslope.kafka.broker import Broker
from glideslope.kafka.folder import Folder, _free_port
from shared.settings import Settings
from tests.authority import Authority

ADMIN = "admin"
_LOOPBACK = "127.0.0.1"
_TYPES = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
}
_EVERY_ACL = AclBindingFilter(
    ResourceType.ANY,
    None,  # type: ignore[arg-type] # any name
    ResourcePatternType.ANY,
    None,  # type: ignore[arg-type] # anybody
    None,  # type: ignore[arg-type] # from anywhere
    AclOperation.ANY,
    AclPermissionType.ANY,
)
_HANDLERS = "org.apache.kafka.common.security.oauthbearer.internals.unsecured"
_PROPERTIES = """
inter.broker.listener.name=SSL
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:CN=broker
allow.everyone.if.no.acl.found=false
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/CN=$1/
listener.name.sasl_ssl.ssl.client.auth=none
sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=\
  org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
  unsecuredLoginStringClaim_sub="broker";
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class=\
  {handlers}.OAuthBearerUnsecuredValidatorCallbackHandler
listeners=SASL_SSL://{host}:{port},SSL://{host}:{mutual},CONTROLLER://{host}:{controller}
advertised.listeners=SASL_SSL://{host}:{port},SSL://{host}:{mutual}
controller.quorum.voters=1@{host}:{controller}
"""
_AUTHORIZER_LOG = """
appender.authorizer.type=File
appender.authorizer.name=authorizer
appender.authorizer.fileName=authorizer.log
appender.authorizer.layout.type=PatternLayout
appender.authorizer.layout.pattern=%m%n
logger.authorizer.name=kafka.authorizer.logger
logger.authorizer.level=debug
logger.authorizer.additivity=false
logger.authorizer.appenderRef.authorizer.ref=authorizer
"""


class SecuredFolder(Folder):
    """A broker's folder whose settings ask everybody who they are."""

    def __init__(self, home: Path, authority: Authority) -> None:
        super().__init__(home)
        self._authority = authority
        self.mutual = ""

    def configure(self, listen_on: str, *, fresh_port: bool = False) -> str:
        address = super().configure(listen_on, fresh_port=fresh_port)
        text = self.settings.read_text()
        controller = int(re.search(r"voters=1@[\d.]+:(\d+)", text)[1])  # type: ignore[index] # is there
        port = int(address.rpartition(":")[2])
        mutual = _free_besides(port, controller)
        self.mutual = f"{_LOOPBACK}:{mutual}"
        ours = _PROPERTIES.format(
            admin=ADMIN,
            keystore=self._authority.issue("broker"),
            truststore=self._authority.file,
            handlers=_HANDLERS,
            host=_LOOPBACK,
            port=port,
            mutual=mutual,
            controller=controller,
        )
        said = {line.partition("=")[0] for line in ours.splitlines() if re.match(r"[a-z]", line)}
        kept = [line for line in text.splitlines() if line.partition("=")[0] not in said]
        self.settings.write_text("\n".join(kept) + ours)
        with (self.path / "log4j2.properties").open("a") as log:
            log.write(_AUTHORIZER_LOG)
        return address


def _free_besides(*taken: int) -> int:
    while (port := _free_port()) in taken:
        pass
    return port


@dataclass(frozen=True)
class WithUsers:
    """The JVM's broker, formatted with SCRAM users; a `Runtime`."""

    runtime: jvm.Jvm
    passwords: Mapping[str, str] = field(repr=False)

    @property
    def listen_on(self) -> str:
        return self.runtime.listen_on

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        users = [
            f"SCRAM-SHA-512=[name={name},password={password},iterations=4096]"
            for name, password in self.passwords.items()
        ]
        added = [word for user in users for word in ("--add-scram", user)]
        return [*self.runtime.format(folder, cluster_id), *added]

    def serve(self, folder: Path, bootstrap_servers: str) -> list[str]:
        return self.runtime.serve(folder, bootstrap_servers)

    def clear(self, folder: Path) -> None:
        self.runtime.clear(folder)

    def kill(self, folder: Path, pid: int) -> None:
        self.runtime.kill(folder, pid)


@dataclass(frozen=True)
class Secured:
    """The cluster that runs, and everybody who may log on to it."""

    bootstrap_servers: str
    mutual: str
    """The address at which certificates say who somebody is."""
    authority: Authority
    passwords: Mapping[str, str] = field(repr=False)
    folder: Path

    def settings(self, user: str, home: Path, **more: object) -> Settings:
        """Return the settings of somebody who logs on with a password."""
        told = {"home": home, "partitions": 2, **self.login(user), **more}
        return Settings.model_validate(told)

    def login(self, user: str) -> dict[str, object]:
        """Return those settings, by field, that say who somebody is."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": user,
            "kafka_sasl_password": self.passwords[user],
            "kafka_ssl_ca_file": self.authority.file,
        }

    def client(self, user: str) -> dict[str, str | int | float | bool]:
        """Return what a foreign client (librdkafka) is told to log on."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.passwords[user],
            "ssl.ca.location": str(self.authority.file),
        }

    def grant(self, *principals: Principal) -> None:
        """Give principals their rights, through Kafka's own admin API."""
        bindings = [
            AclBinding(
                _TYPES[right.kind],
                right.name,
                ResourcePatternType.PREFIXED if right.is_prefix else ResourcePatternType.LITERAL,
                f"User:{principal.name}",
                "*",
                AclOperation[re.sub(r"(?<!^)([A-Z])", r"_\1", right.operation.value).upper()],
                AclPermissionType.ALLOW,
            )
            for principal in principals
            for right in principal.rights
        ]
        client = AdminClient(self.client(ADMIN))  # held: what it has promised ends with it
        for done in client.create_acls(bindings).values():
            done.result(timeout=30)
        # the controller has them; the broker that is asked hears of them a moment later
        while len(client.describe_acls(_EVERY_ACL).result(timeout=30)) < len(bindings):
            time.sleep(0.05)

    def decisions(self) -> list[tuple[str, bool, str, str, str]]:
        """Return what the authorizer decided: user, whether allowed, operation, kind, resource."""
        found = re.findall(
            r"Principal = User:(\S+) is (Allowed|Denied) operation = (\w+) from host = \S+ on "
            r"resource = (\w+):LITERAL:(\S+)",
            (self.folder / "kafka" / "authorizer.log").read_text(),
        )
        return [(who, said == "Allowed", *rest) for who, said, *rest in found]


@contextmanager
def secured_kafka(home: Path, users: list[str]) -> Iterator[Secured]:
    """Run one for as long as the context lasts; `users` can log on and may do nothing."""
    authority = Authority(home / "certificates")
    passwords = {name: secrets.token_urlsafe(18) for name in (ADMIN, *users)}
    folder = SecuredFolder(home, authority)
    with folder.locked() as lock:
        runtime = WithUsers(jvm.prepare(os.environ, print), passwords)
        broker = Broker(folder, runtime, lock)
        broker.start()
        try:
            yield Secured(broker.bootstrap_servers, folder.mutual, authority, passwords, home)
        finally:
            broker.stop()
