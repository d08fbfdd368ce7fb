"""Add to a CycloneDX bill of Python packages what dpkg says is installed beside them.

    cyclonedx-py environment … | sbom.py NAME > sbom.cdx.json

The result has no time and no serial number: it is the same whenever it is made.
"""

import json
import subprocess
import sys

from packageurl import PackageURL

_FORMAT = "${Package}\t${Version}\t${Architecture}\n"


def main() -> None:
    """Read the bill from standard input, and write the whole one."""
    bill = json.load(sys.stdin)
    bill["metadata"]["component"] = {
        "type": "container",
        "bom-ref": "image",
        "name": sys.argv[1],
    }
    bill["components"] = sorted(
        [*bill.get("components", []), *_debian_packages()], key=lambda each: each["bom-ref"]
    )
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)


def _debian_packages() -> list[dict[str, str]]:
    told = subprocess.run(  # noqa: S603 - a constant
        ["dpkg-query", "--show", "--showformat", _FORMAT],  # noqa: S607 - the image's own
        check=True,
        capture_output=True,
        text=True,
    )
    packages = []
    for line in told.stdout.splitlines():
        name, version, architecture = line.split("\t")
        url = PackageURL("deb", "debian", name, version, {"arch": architecture}).to_string()
        packages.append(
            {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
        )
    return packages


if __name__ == "__main__":
    main()
