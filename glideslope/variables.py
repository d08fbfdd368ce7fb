"""The variables that Glideslope reads: every part's settings, and what no settings class has."""

from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from shared.settings import Settings
from shared.variables import PREFIX

_HEAD: Final = "# Generated from the settings classes: run `make docs`"


class Reader(StrEnum):
    """Who reads a variable that is no setting of the pipeline."""

    COMMANDS = "The command line"
    LOCAL_KAFKA = "The local Kafka"
    SERVICES = "Every service, besides its settings"
    TESTS = "Tests and benchmarks"


class Variable(NamedTuple):
    """An environment variable that no settings class reads."""

    name: str
    reader: Reader
    default: str | None
    meaning: str


OTHERS: Final = (
    Variable(
        "GLIDESLOPE_REVIEW_TOKEN",
        Reader.COMMANDS,
        None,
        "Who `glideslope review` is to the review service. Not set: whoever that service, on the "
        "same home folder, has signed in locally.",
    ),
    Variable(
        "GLIDESLOPE_KAFKA",
        Reader.LOCAL_KAFKA,
        "auto",
        "How it runs: `container`, `jvm`, or `auto`, the first of them that can. Nothing is "
        "started where `KAFKA_BOOTSTRAP_SERVERS` is set.",
    ),
    Variable(
        "GLIDESLOPE_CACHE",
        Reader.LOCAL_KAFKA,
        None,
        "Folder of what is fetched for it once. Not set: `glideslope` in the user's cache folder.",
    ),
    Variable(
        "XDG_CACHE_HOME",
        Reader.LOCAL_KAFKA,
        None,
        "The user's cache folder. Not set: `~/.cache`.",
    ),
    Variable(
        "JAVA_HOME",
        Reader.LOCAL_KAFKA,
        None,
        "The Java that it runs on. Not set: the `java` on the path.",
    ),
    Variable(
        "NOTIFY_SOCKET",
        Reader.SERVICES,
        None,
        "Unix socket on which the service manager is told when the service is ready; systemd "
        "and `glideslope up` set it.",
    ),
    Variable(
        "DEMO_KEEP",
        Reader.TESTS,
        None,
        "`1` leaves `make demo` up until Ctrl-C, and names the reviewers' page.",
    ),
    Variable(
        "GLIDESLOPE_CHROMIUM",
        Reader.TESTS,
        None,
        "The Chromium of `make test-browser`. Not set: the `chromium` on the path.",
    ),
    Variable(
        "GLIDESLOPE_SCREENSHOTS",
        Reader.TESTS,
        None,
        "Folder in which `make test-browser` keeps a picture of each page.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_SCALE",
        Reader.TESTS,
        "1",
        "Share of their events and seconds that `make bench-delivery`, `bench-inference`, "
        "`bench-review` and `bench-scale` run with.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_RATE",
        Reader.TESTS,
        "20",
        "Requests a second of the steady load of `make bench-scale`.",
    ),
    Variable(
        "GLIDESLOPE_TEST_RATE",
        Reader.TESTS,
        "50",
        "Requests a second under which `make test-rolling` replaces services.",
    ),
    Variable(
        "GLIDESLOPE_TEST_REPLICAS",
        Reader.TESTS,
        "2",
        "Processes of each service that `make test-rolling` replaces, one by one.",
    ),
    Variable(
        "GLIDESLOPE_CHAOS",
        Reader.TESTS,
        None,
        "`full` runs every chaos test, and more rounds of each, as `make chaos` does.",
    ),
    Variable(
        "GLIDESLOPE_CHAOS_SEED",
        Reader.TESTS,
        None,
        "Seed of a chaos test's choices, to repeat the failure that printed it.",
    ),
    Variable(
        "GLIDESLOPE_CHAOS_TRANSACTION_VERSION",
        Reader.TESTS,
        None,
        "`transaction.version` that the tests' Kafka is formatted with; without it Kafka's own, 2.",
    ),
    Variable(
        "GLIDESLOPE_GOLDEN",
        Reader.TESTS,
        None,
        "`write` makes what the Helm chart renders the new snapshots, as `make golden` does.",
    ),
    Variable(
        "GLIDESLOPE_TEST_TAMPER_ENTRIES",
        Reader.TESTS,
        None,
        "Entries of the audit logs that the tests of tampering change, as `make tamper` sets it.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_SECTIONS",
        Reader.TESTS,
        "throughput,latency,slow,memory",
        "Sections that `make bench-delivery` runs.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_RELEASE",
        Reader.TESTS,
        None,
        "File of a release, whose embedder and reranker `make bench-retrieval` compares.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_PART",
        Reader.TESTS,
        "locked",
        "`tuned` has `make bench-figures` show the part that the rules were made on.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_DATA",
        Reader.TESTS,
        "../shared/data",
        "Folder of the benchmarks' data sets, which are not part of the project.",
    ),
)


def kinds() -> tuple[type[Settings], ...]:
    """Return every settings class: what all share, each service's, and the command line's own."""
    # imported here: most commands are in no need of them
    from glideslope.releases.rule import WatchSettings  # noqa: PLC0415 - see above
    from services.audit.settings import AuditSettings  # noqa: PLC0415 - see above
    from services.inference.settings import InferenceSettings  # noqa: PLC0415 - see above
    from services.ingest.settings import IngestSettings  # noqa: PLC0415 - see above
    from services.review.web.settings import WebSettings  # noqa: PLC0415 - see above
    from services.validator.settings import Settings as ValidatorSettings  # noqa: PLC0415 - see above

    return (
        Settings,
        IngestSettings,
        InferenceSettings,
        ValidatorSettings,
        WebSettings,
        AuditSettings,
        WatchSettings,
    )


def names() -> list[str]:
    """Return the `GLIDESLOPE_…` variables that something reads, in order."""
    of_kinds = {kind.variable(name) for kind in kinds() for name in kind.model_fields}
    return sorted(n for n in of_kinds.union(each.name for each in OTHERS) if n.startswith(PREFIX))


def write(path: Path) -> list[Path]:
    """Write them into the file that parts of the pipeline know them from; return what differed."""
    text = "".join(f"{line}\n" for line in (_HEAD, *names()))
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return []
    path.write_text(text, encoding="utf-8")
    return [path]
