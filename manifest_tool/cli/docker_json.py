"""JSON as ``docker manifest inspect`` prints it, to the byte."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from manifest_tool.cli.text import safe_json
from manifest_tool.oci import go_json
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.drafts.view import View
    from manifest_tool.oci.descriptor import Descriptor

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_HTML = re.compile("[<>&\u2028\u2029]")


def image(view: View) -> str:
    """The manifest of an image as it is, but for its white space."""
    raw = (view.manifest.raw if view.manifest else b"").decode(errors="replace")
    end = raw[len(raw.rstrip()) :]
    return f"{_indented(raw)}{end}\n"


def listing(views: Sequence[View]) -> str:
    """What a list says of its images, as far as Docker knows of it."""
    is_oci = bool(views) and views[0].descriptor.media_type == types.OCI_MANIFEST
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_INDEX if is_oci else types.DOCKER_LIST,
        "manifests": [_entry(view.descriptor) for view in views],
    }
    return safe_json(go_json.encode(document, indent=3).decode() + "\n")


def verbose(found: View | Sequence[View]) -> str:
    """Everything of an image, or of those in a list."""
    text = f"[{','.join(map(_whole, found))}]" if isinstance(found, Sequence) else _whole(found)
    return _indented(text) + "\n"


def _entry(descriptor: Descriptor) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
        "digest": str(descriptor.digest),
        "platform": (descriptor.platform or Platform()).to_json(),
    }


def _whole(view: View) -> str:
    descriptor = view.descriptor
    fields: dict[str, object] = {
        "Ref": str(view.reference),
        "Descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
            "platform": (descriptor.platform or Platform()).to_json(),
        },
    }
    if view.manifest is None:
        return json.dumps(fields)
    fields["Raw"] = base64.b64encode(view.manifest.raw).decode()
    key = {types.DOCKER_MANIFEST: "SchemaV2Manifest", types.OCI_MANIFEST: "OCIManifest"}.get(view.manifest.media_type)
    text = go_json.encode(fields, indent=0).decode().rstrip()
    # What an index in a list is to Docker is an error.
    return f'{text[:-1]},"{key}":{_escaped(view.manifest.raw.decode(errors="replace"))}}}' if key else text


def _escaped(raw: str) -> str:
    return _HTML.sub(lambda found: f"\\u{ord(found[0]):04x}", raw)


def _indented(text: str) -> str:
    """JSON with tabs in place of the white space that it has, as Go's ``json.Indent`` puts them."""
    parts: list[str] = []
    depth = 0
    before = ""
    for part in _PART.findall(text):
        opened, closes = before in _OPENING, part in _CLOSING
        depth += opened - closes
        if before == "," or opened != closes:
            parts.append("\n" + "\t" * depth)
        parts.append(": " if part == ":" else safe_json(part))
        before = part
    return "".join(parts)
