"""The AWS provider's schema, read from the bindings that HashiCorp generated from it for CDKTF.

The provider itself cannot always be had. Its bindings can: the PyPI package of `BINDINGS` holds, as
TypeScript in source maps, each argument's type and whether it is required, optional or computed.
`python bindings.py TARBALL TYPE…` prints the schema of these resources and data sources (`data.…`)
in the form of `terraform providers schema -json`.
"""

import base64
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

BINDINGS: Final = "cdktf-cdktf-provider-aws==21.22.1"
VERSION: Final = "6.25.0"
"""The version of the AWS provider that these bindings were generated from."""

_LIB: Final = "package/lib/"
_SIMPLE: Final = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "any": "dynamic",
}
_GOT: Final = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "dynamic"],
}
_MEMBER: Final = re.compile(
    r"^  // (?P<name>\w+) - computed: (?P<computed>\w+), optional: (?P<optional>\w+), "
    r"required: (?P<required>\w+)\n(?P<body>.*?)(?=^  // \w+ - computed|^  // =====|^\}|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INPUT: Final = re.compile(
    r"^ {4,6}(?P<name>\w+): \{\s*value: (?P<value>.*?),\s*isBlock: (?P<block>\w+),"
    r'\s*type: "(?P<type>\w+)",\s*storageClassType: "(?P<storage>\w+)",',
    re.MULTILINE | re.DOTALL,
)
_NESTING: Final = {"list": "list", "set": "set", "map": "map", "struct": "single"}
_GETTER: Final = re.compile(r"(cdktf\.Fn\.tolist\()?this\.get(\w+?)Attribute\('")
_NESTED: Final = re.compile(r"= new (\w+)\(this, \"\w+\"(?:, (true|false))?\)")


class Bindings:
    """The generated sources in the package's tarball."""

    def __init__(self, tarball: str) -> None:
        self._tarball = tarball

    @cached_property
    def _members(self) -> tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]:
        archive = tarfile.open(self._tarball)  # noqa: SIM115 - read until the process ends
        return archive, {member.name: member for member in archive.getmembers()}

    def sources(self, folder: str) -> str:
        """Return the TypeScript of a folder: of its index and what that is spread over."""
        archive, members = self._members
        texts = []
        for name in sorted(members):
            if not re.fullmatch(rf"{_LIB}{re.escape(folder)}/index[\w-]*\.js", name):
                continue
            file = archive.extractfile(members[name])
            script = b"" if file is None else file.read()
            encoded = script.rpartition(b"sourceMappingURL=data:application/json;base64,")[2]
            texts += json.loads(base64.b64decode(encoded))["sourcesContent"]
        if not texts:
            raise LookupError(f"the AWS provider {VERSION} has no {folder}")
        return "\n".join(texts)


class Source:
    """One resource's TypeScript, cut into classes and functions."""

    def __init__(self, text: str) -> None:
        parts = re.split(r"^(?=export (?:class|function|interface) )", text, flags=re.MULTILINE)
        self._classes = {
            m[1]: part for part in parts if (m := re.match(r"export class (\w+)", part))
        }
        self._inputs = {
            m[1]: part for part in parts if (m := re.match(r"export function (\w+)ToHcl", part))
        }

    def root(self, kind: str) -> str:
        """Return the name of the class of a resource, data source or provider."""
        return next(name for name, part in self._classes.items() if f"extends cdktf.{kind}" in part)

    def block(self, name: str) -> dict[str, Any]:
        """Return the schema of the block that a class stands for."""
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        part = self._classes[name]
        inputs = {found["name"]: found for found in self._input(name, part)}
        for member in _MEMBER.finditer(part):
            given = inputs.get(member["name"])
            nested = self._nested(member["body"])
            if given is not None and given["block"] == "true":
                blocks[member["name"]] = {
                    "nesting_mode": _NESTING[given["type"]],
                    "block": self._inputs_of(given) if nested is None else self.block(nested),
                    **({"min_items": 1} if member["required"] == "true" else {}),
                    **({"max_items": 1} if self._is_one(given, member["body"]) else {}),
                }
                continue
            attributes[member["name"]] = {
                "type": self._type(given, member["body"], nested),
                **{
                    flag: True
                    for flag in ("computed", "optional", "required")
                    if member[flag] == "true"
                },
            }
        return {"attributes": attributes, "block_types": blocks}

    def _inputs_of(self, given: re.Match[str]) -> dict[str, Any]:
        """Return the block that an argument of a provider is, which has no class."""
        function = re.search(r"(\w+)ToHclTerraform", given["value"])
        inputs = _INPUT.finditer(self._inputs[function[1]] if function else "")
        attributes = {
            each["name"]: {"type": self._type(each, "", None), "optional": True} for each in inputs
        }
        return {"attributes": attributes, "block_types": {}}

    def _input(self, name: str, part: str) -> Iterator[re.Match[str]]:
        own = part.partition("synthesizeHclAttributes")[2]
        struct = re.sub(r"OutputReference$", "", name)
        function = self._inputs.get(struct[:1].lower() + struct[1:], "")
        return _INPUT.finditer(own or function)

    def _nested(self, body: str) -> str | None:
        """Return the class of what is nested in a member, of one where it is a list."""
        found = _NESTED.search(body)
        if found is None:
            return None
        if found[1] in self._classes and "extends cdktf.ComplexObject" in self._classes[found[1]]:
            return found[1]
        return re.sub(r"(List|Map)$", "", found[1]) + "OutputReference"

    def _is_one(self, given: re.Match[str], body: str) -> bool:
        if given["type"] not in {"list", "set"}:
            return False
        found = _NESTED.search(body)
        return (
            found is not None
            and found[1] in self._classes
            and "ComplexList" not in (self._classes[found[1]].partition("{")[0])
        )

    def _type(self, given: re.Match[str] | None, body: str, nested: str | None) -> Any:
        if nested is not None:
            inner = self._object(nested)
            if given is not None and given["type"] == "struct":
                return inner
            found = _NESTED.search(body)
            is_set = found is not None and found[2] == "true"
            return ["set" if is_set else "list", inner]
        if given is not None and given["storage"] in _SIMPLE:
            return _SIMPLE[given["storage"]]
        if given is not None and (
            m := re.fullmatch(r"(string|number|boolean|any)(List|Map)", given["storage"])
        ):
            kind = "map" if m[2] == "Map" else given["type"]
            return [kind, _SIMPLE[m[1]]]
        if got := _GETTER.search(body):
            type_ = _GOT[got[2]]
            return ["set", type_[1]] if got[1] else type_
        return "dynamic"

    def _object(self, name: str) -> Any:
        block = self.block(name)
        inner = {key: each["type"] for key, each in block["attributes"].items()}
        for key, each in block["block_types"].items():
            mode, nested = each["nesting_mode"], self._flat(each["block"])
            inner[key] = nested if mode == "single" else [mode, nested]
        return ["object", inner]

    def _flat(self, block: dict[str, Any]) -> Any:
        inner = {key: each["type"] for key, each in block["attributes"].items()}
        for key, each in block["block_types"].items():
            mode, nested = each["nesting_mode"], self._flat(each["block"])
            inner[key] = nested if mode == "single" else [mode, nested]
        return ["object", inner]


def schema(tarball: str, types: list[str]) -> dict[str, Any]:
    """Return the provider's schema, of these types alone. Raises `LookupError` for one it lacks."""
    bindings = Bindings(tarball)
    found: dict[str, Any] = {"provider": {}, "resource_schemas": {}, "data_source_schemas": {}}
    source = Source(bindings.sources("provider"))
    found["provider"] = {"block": source.block(source.root("TerraformProvider"))}
    for name in types:
        is_data, short = name.startswith("data."), name.removeprefix("data.").removeprefix("aws_")
        folder = ("data-aws-" if is_data else "") + short.replace("_", "-")
        source = Source(bindings.sources(folder))
        block = source.block(source.root("TerraformDataSource" if is_data else "TerraformResource"))
        kind = "data_source_schemas" if is_data else "resource_schemas"
        found[kind][name.removeprefix("data.")] = {"block": block}
    return found


if __name__ == "__main__":
    print(json.dumps(schema(sys.argv[1], sys.argv[2:])))
