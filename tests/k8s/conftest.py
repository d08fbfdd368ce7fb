"""`make test-k8s`: what takes minutes, and tools that have to be built."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.k8s import tools
from tests.k8s.cluster import Cluster, running

NAMESPACE = "answers"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a namespace that is under the restricted Pod Security standard."""
    try:
        with running(tmp_path_factory.mktemp("k8s")) as started:
            started.kubectl("create", "namespace", NAMESPACE)
            labels = (
                f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")
            )
            started.kubectl("label", "namespace", NAMESPACE, *labels)
            yield started
    except tools.CannotBeHadError as error:
        pytest.skip(f"no cluster: {error}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
