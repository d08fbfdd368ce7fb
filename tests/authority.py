"""An authority that signs certificates, in PEM files of one folder."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Authority:
    """Its own certificate is in `file`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, file: str | None = None, *, password: str | None = None) -> Path:
        """Write a key and the certificate for `name` into one file, and return where it is.

        It replaces what is there whole, as cert-manager and Kubernetes do.
        """
        issued = self._ca.issue_cert("127.0.0.1", "localhost", common_name=name)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        sealing: KeySerializationEncryption = NoEncryption()
        if password is not None:
            sealing = BestAvailableEncryption(password.encode())
        # Java reads PKCS#8 alone
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing)
        path = self._folder / f"{file or name}.pem"
        new = path.with_suffix(".new")
        new.write_bytes(pem + b"".join(each.bytes() for each in issued.cert_chain_pems))
        new.replace(path)
        return path
