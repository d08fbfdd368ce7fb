"""The modules before Terraform, linters, and a provider that has the AWS provider's schema.

No cloud is asked, so nothing here says that AWS would take it: see docs/aws.md.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform import modules, tools

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
FOLDERS = [path.relative_to(modules.ROOT) for path in modules.folders()]
ESTATE = {
    "partition": "aws",
    "region": "eu-central-1",
    "account": "123456789012",
    "deployment": "glideslope",
    "topic_prefix": "",
    "kafka_cluster": "glideslope",
    "kafka_cluster_uuid": "0f5c-7",
    "audit_bucket": "logs",
    "audit_prefix": "audit",
    "audit_key": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "master_key": "arn:aws:kms:eu-central-1:123456789012:key/2",
    "secrets_key": "arn:aws:kms:eu-central-1:123456789012:key/3",
}

needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="Terraform is not on this machine")
needs_provider = pytest.mark.skipif(
    not (tools.MIRROR.exists() and any(tools.MIRROR.rglob("schema.json"))),
    reason="the provider of schema alone is not there: python -m tests.terraform.tools",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to work in: Terraform leaves locks and plugins beside the modules."""
    folder = tmp_path_factory.mktemp("terraform")
    (folder / "config").write_text(
        "provider_installation {\n  filesystem_mirror {\n"
        f'    path    = "{tools.MIRROR}"\n'
        '    include = ["registry.terraform.io/hashicorp/aws"]\n  }\n}\n'
    )
    shutil.copytree(modules.ROOT, folder / "tree", ignore=shutil.ignore_patterns(".terraform*"))
    return folder / "tree"


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = next(each for each in (folder, *folder.parents) if each.name == "tree").parent
    environment = {
        **os.environ,
        "TF_CLI_CONFIG_FILE": str(root / "config"),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    return subprocess.run(
        [str(TERRAFORM), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@needs_terraform
def test_everything_is_formatted(copy: Path) -> None:
    done = terraform(copy, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


@needs_terraform
@needs_provider
@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_module_is_valid_by_the_providers_schema_and_its_tests_pass(
    copy: Path, folder: Path
) -> None:
    begun = terraform(copy / folder, "init", "-no-color", "-input=false")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    valid = terraform(copy / folder, "validate", "-no-color")
    assert valid.returncode == 0, valid.stdout + valid.stderr
    if (copy / folder / "tests").exists():
        tested = terraform(copy / folder, "test", "-no-color")
        assert tested.returncode == 0, tested.stdout + tested.stderr


@needs_terraform
@needs_provider
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('resource "aws_kms_key" "x" {\n  enable_key_rotatoin = true\n}\n', "Unsupported argument"),
        ('resource "aws_kms_alias" "x" {}\n', "Missing required argument"),
        ('resource "aws_kms_key" "x" {\n  tags = ["a"]\n}\n', "Incorrect attribute value type"),
        (
            'resource "aws_s3_bucket_versioning" "x" {\n  bucket = "b"\n}\n',
            "Insufficient versioning_configuration blocks",
        ),
        ('output "x" {\n  value = aws_kms_key.y.arn\n}\n', "undeclared resource"),
    ],
)
def test_the_schema_finds_what_the_provider_would_refuse(copy: Path, text: str, said: str) -> None:
    folder = copy / "wrong"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    (folder / "main.tf").write_text(source + text)
    assert terraform(folder, "init", "-no-color", "-input=false").returncode == 0
    valid = terraform(folder, "validate", "-no-color")
    assert valid.returncode != 0
    assert said in valid.stdout + valid.stderr


def test_tflint_finds_nothing() -> None:
    if not (tools.TOOLS / "tflint").exists():
        pytest.skip("tflint is not there: python -m tests.terraform.tools")
    done = subprocess.run(
        [str(tools.TOOLS / "tflint"), "--recursive", "--no-color"],
        cwd=modules.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_checkov_finds_nothing_that_is_not_excepted_with_a_reason(copy: Path) -> None:
    program = tools.TOOLS / "checkov" / "bin" / "checkov"
    if not program.exists():
        pytest.skip("checkov is not there: python -m tests.terraform.tools")
    options = ("--skip-download", "--framework", "terraform", "-o", "json")
    done = subprocess.run(
        # its parser does not come to an end with what tests of Terraform may say
        [*(str(program), "-d", ".", "--skip-path", "tests/", "--skip-path", "wrong/"), *options],
        cwd=copy,
        env={**os.environ, "HCL_PARSE_TIMEOUT_SEC": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    failed = [f"{each['check_id']} {each['resource']}" for each in told["results"]["failed_checks"]]
    assert failed == []
    assert told["summary"]["parsing_errors"] == 0, told["results"].get("parsing_errors")
    assert told["summary"]["passed"] > 150


def test_policies_have_actions_and_conditions_that_iam_knows(tmp_path: Path) -> None:
    program = tools.TOOLS / "policies" / "bin" / "python"
    if not program.exists():
        pytest.skip("parliament is not there: python -m tests.terraform.tools")
    paths = []
    for path in (modules.ROOT / "modules" / "rights" / "policies").iterdir():
        text = path.read_text(encoding="utf-8")
        for field, value in ESTATE.items():
            text = text.replace(f"${{{field}}}", value)
        paths.append(tmp_path / path.name)
        paths[-1].write_text(text)
    paths.append(modules.ROOT / "examples" / "complete" / "models.json")
    lint = Path(__file__).parent / "lint_policies.py"
    done = subprocess.run(
        [str(program), str(lint), *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(paths)
    assert {name: each for name, each in found.items() if each} == {}
