"""Modules that are arithmetic alone, applied: without a provider nothing is asked or built."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TERRAFORM: Final = shutil.which("terraform") or shutil.which("tofu")


@dataclass(frozen=True)
class Module:
    """A module, and a folder for its state."""

    folder: Path
    scratch: Path

    def outputs(self, **variables: object) -> dict[str, Any]:
        """Return what the module tells for these variables."""
        given, state = self.scratch / "given.tfvars.json", self.scratch / "state"
        given.write_text(json.dumps(variables), encoding="utf-8")
        state.unlink(missing_ok=True)
        self._run("apply", "-auto-approve", f"-state={state}", f"-var-file={given}")
        told = json.loads(self._run("output", "-json", f"-state={state}"))
        return {name: each["value"] for name, each in told.items()}

    def _run(self, *arguments: str) -> str:
        ran = subprocess.run(
            [str(TERRAFORM), *arguments, "-no-color"],
            cwd=self.folder,
            env={
                **os.environ,
                "CHECKPOINT_DISABLE": "1",
                "TF_DATA_DIR": str(self.scratch / "data"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout
