"""AWS policies: what Terraform attaches is what the services declare."""

import json
from pathlib import Path

from glideslope.access import Kind, Operation
from glideslope.access.aws.estate import Estate
from glideslope.access.aws.principals import attached, policies, templates
from glideslope.access.principals import principals
from shared import topics
from shared.settings import Settings
from tests.iam import Request, allowed

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "deploy" / "terraform" / "modules" / "rights" / "policies"
ESTATE = Estate(
    region="eu-central-1",
    account="123456789012",
    deployment="glideslope",
    topic_prefix="pilot.",
    kafka_cluster="glideslope",
    kafka_cluster_uuid="0f5c-7",
    audit_bucket="logs",
    audit_key="arn:aws:kms:eu-central-1:123456789012:key/audit",
    master_key="arn:aws:kms:eu-central-1:123456789012:key/master",
    secrets_key="arn:aws:kms:eu-central-1:123456789012:key/secrets",
)


def test_terraform_has_the_policies_that_the_declarations_make() -> None:
    made = {
        f"{name}.{part}.json.tftpl": text
        for name in attached()
        for part, text in templates(name).items()
    }
    there = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir()}
    assert there == made, "run `make docs`"


def test_a_template_is_the_policy_with_places_for_names() -> None:
    for name in attached():
        for part, text in templates(name).items():
            filled = text
            for field, value in ESTATE:
                filled = filled.replace(f"${{{field}}}", value)
            assert json.loads(filled) == policies(name, ESTATE)[part]


def test_msk_lets_everybody_through_just_to_what_kafka_would() -> None:
    prefix = "arn:aws:kafka:eu-central-1:123456789012:topic/glideslope/0f5c-7/pilot."
    for principal in principals(Settings(topic_prefix="pilot.")):
        policy = policies(principal.name, ESTATE)["kafka"]
        for topic in topics.ALL:
            for action, operation in (("ReadData", Operation.READ), ("WriteData", Operation.WRITE)):
                request = Request(f"kafka-cluster:{action}", f"{prefix}{topic.name}")
                declared = principal.may(operation, Kind.TOPIC, f"pilot.{topic.name}")
                assert allowed(request, policy) is declared, (principal.name, topic.name, action)
