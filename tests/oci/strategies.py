"""Values of the OCI specifications, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference, Registry, Repository

LABEL = r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?"
COMPONENT = r"[a-z0-9]{1,6}((\.|__?|-{1,3})[a-z0-9]{1,6}){0,2}"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


PORTS = st.integers(1, 65535).map(lambda port: f":{port}")
HOSTS = st.one_of(
    st.just("localhost"),
    matching(rf"{LABEL}\.{LABEL}"),
    st.builds("{}{}".format, matching(LABEL), PORTS),
    st.ip_addresses(v=4).map(str),
    st.builds("[{}]{}".format, st.ip_addresses(v=6), PORTS | st.just("")),
)
DIGESTS = st.builds(Digest.of, st.binary(), st.sampled_from(["sha256", "sha512"]))
REGISTRIES = HOSTS.map(Registry.parse)
NAMES = st.lists(matching(COMPONENT), min_size=2, max_size=4).map("/".join)
REFERENCES = st.builds(
    Reference,
    st.builds(Repository, REGISTRIES | st.just(Registry("docker.io")), NAMES),
    st.just("") | matching(TAG),
    st.none() | DIGESTS,
)
PLATFORMS = st.builds(
    Platform,
    architecture=st.sampled_from(["amd64", "arm64", "arm", "386", "s390x", "other"]),
    os=st.sampled_from(["linux", "windows", "darwin", "x_y"]),
    variant=st.just("") | matching("v[1-9]"),
    os_version=st.just("") | matching(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}") | st.text("aé +/:,()%", max_size=5),
    os_features=st.lists(st.text("win32k+ (é", min_size=1, max_size=6), max_size=3).map(tuple),
)
