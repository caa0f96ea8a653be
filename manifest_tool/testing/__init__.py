"""The embedded registry for the tests of other programs, as a plugin of pytest.

Put ``pytest_plugins = ["manifest_tool.testing"]`` into the topmost ``conftest.py``, and the fixtures `oci_registry` and
`start_oci_registry` are there. It is no entry point that pytest finds by itself: so it costs nothing where nobody asked
for it, and no name of a fixture collides with another. (PYTEST_DONT_REWRITE: it may be imported before.)
"""

from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.server.auth import Auth
from manifest_tool.server.limits import Limits
from manifest_tool.server.log import Request, RequestLog
from manifest_tool.server.rules import Rules
from manifest_tool.testing import faults
from manifest_tool.testing.images import Image, Index, attested_index, image, index, root_file_system, sbom
from manifest_tool.testing.registries import Registry, StartRegistry, registry

__all__ = (
    "Auth",
    "Digest",
    "Image",
    "Index",
    "Limits",
    "Platform",
    "Registry",
    "Request",
    "RequestLog",
    "Rules",
    "StartRegistry",
    "attested_index",
    "faults",
    "image",
    "index",
    "registry",
    "root_file_system",
    "sbom",
)

pytest_plugins = ("manifest_tool.testing.plugin",)
