"""The files that a mesh file refers to: only those in its own folder, and data that stands in the reference itself.

A mesh can come from anyone, through ComfyUI's API too, so a reference must never reach another file of the machine
or the network. No mesh reader but this module opens a file by a name that it read.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from ...errors import BadInput

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:")  # two letters at least: C: is a drive


class MissingFile(BadInput):
    """A file beside the mesh that is not there."""


@dataclass(frozen=True)
class MeshFolder:
    """The folder of the mesh file `path`."""

    path: Path

    def read_uri(self, uri: object) -> bytes:
        """The bytes behind a glTF `uri` (RFC 3986; specification 2.0, section 2.8): data: or a percent-coded path.

        Raises `BadInput` for any other scheme and as `read`.
        """
        if not isinstance(uri, str):
            raise BadInput(f"{self.path.name} names a file by a {type(uri).__name__}; it is damaged, get it again.")
        if uri[:5].lower() == "data:":
            return self._decoded(uri)
        if SCHEME.match(uri):
            raise self._outside(uri)
        try:
            return self.read(unquote(uri))
        except MissingFile as missing:
            try:
                return self.read(uri)  # some writers do not code their percent signs
            except BadInput:
                raise missing from None

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`, relative to the mesh. Raises `BadInput` outside the folder, `MissingFile`."""
        folder = self.path.parent.resolve()
        try:
            full = (folder / name.strip().replace("\\", "/")).resolve()
            if not full.is_relative_to(folder) or SCHEME.match(name):
                raise self._outside(name)
            if not full.is_file():
                raise MissingFile(f"{self.path.name} needs {_cut(name)}, which is missing; put it beside the mesh.")
            return full.read_bytes()
        except (OSError, RuntimeError) as error:  # name too long, no rights, a loop of links
            raise BadInput(f"{_cut(name)}, which {self.path.name} needs, could not be read; check the file.") from error
        except ValueError as error:
            if isinstance(error, BadInput):
                raise
            raise MissingFile(f"{self.path.name} needs {_cut(name)}, which is no file name; save it anew.") from error

    def _outside(self, name: str) -> BadInput:
        return BadInput(
            f"{self.path.name} refers to {_cut(name)} outside its own folder, which is not opened; "
            "put the file beside the mesh and name it there."
        )

    def _decoded(self, uri: str) -> bytes:
        head, comma, content = uri.partition(",")
        try:
            if not comma:
                raise ValueError("no comma")
            raw = unquote_to_bytes(content)
            return base64.b64decode(raw, validate=True) if head.lower().endswith(";base64") else raw
        except (ValueError, binascii.Error) as error:
            raise BadInput(f"{self.path.name} holds a damaged data: address; get the file again.") from error


def _cut(name: str) -> str:
    """A name as a sentence can hold it: short and printable."""
    name = "".join(c if c.isprintable() else "?" for c in name[:121])
    return name if len(name) <= 120 else f"{name[:100]}…"
