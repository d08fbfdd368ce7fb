import json
import os
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

SCRIPT = Path(__file__).parents[4] / "deploy" / "image" / "sbom.py"
OF_PYTHON = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {"tools": []},
    "components": [
        {
            "type": "library",
            "bom-ref": "pydantic==2.12.0",
            "name": "pydantic",
            "version": "2.12.0",
            "purl": "pkg:pypi/pydantic@2.12.0",
        }
    ],
}


def test_a_bill_has_the_packages_of_debian_beside_those_of_python(tmp_path: Path) -> None:
    dpkg = tmp_path / "dpkg-query"
    dpkg.write_text("#!/bin/sh\nprintf 'libc6\\t2.36-9+deb12u13\\tamd64\\n'\n")
    dpkg.chmod(0o755)
    made = subprocess.run(
        [sys.executable, SCRIPT, "glideslope-ingest"],
        input=json.dumps(OF_PYTHON),
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made) is None
    bill = json.loads(made)
    assert bill["metadata"]["component"]["name"] == "glideslope-ingest"
    assert [each["purl"] for each in bill["components"]] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64",
        "pkg:pypi/pydantic@2.12.0",
    ]
