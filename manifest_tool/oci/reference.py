"""References: ``[registry/]repository[:tag][@digest]``, as Docker and every client after it read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv6Address
from typing import Self

from manifest_tool.errors import InvalidDigest, InvalidReference
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.host import is_loopback

HUB = "docker.io"
"""Docker Hub, by the name that references use for it."""

_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_API = "registry-1.docker.io"
_MAX_NAME = 255
_MAX_HOST = 253

_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9])"
_HOST = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX_ID = re.compile(r"[0-9a-f]{64}")
_LIKE_DIGEST = re.compile(r"sha[0-9]+:\S*|\$\{?\w+\}?|\{\{.*\}\}")
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|\{\{.*?\}\}|\{[\w.]+\}|__[A-Z][A-Z0-9_]*__|<[\w-]+>|%\w+%|@@?\w+@@?$")


def check_tag(text: str) -> None:
    """Raise `InvalidReference` where ``text`` is no tag."""
    if not _TAG.fullmatch(text):
        raise InvalidReference(text, _tag_reason(text), hint=_placeholder(text))


@dataclass(frozen=True, slots=True, order=True)
class Registry:
    """A registry's host, and port where one is given."""

    host: str
    """In lower case, an IPv6 address in brackets; Docker Hub is ``docker.io``."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``host`` or ``host:port``; raises `InvalidReference`."""
        matched = _HOST.fullmatch(text)
        if matched is None:
            raise InvalidReference(text, "expected a registry's host name, with a port where it needs one")
        host, port = matched["host"].lower(), matched["port"]
        if port and not 0 < int(port) < 65536:
            raise InvalidReference(text, f"there is no port {port}")
        if host.startswith("["):
            host = f"[{_ipv6(text, host[1:-1])}]"
        elif not _is_dns(host):
            raise InvalidReference(text, "no host can have this name")
        return cls(HUB if host in _HUB_NAMES and not port else f"{host}:{int(port)}" if port else host)

    @property
    def api_host(self) -> str:
        """The host, and port, that requests go to."""
        return _HUB_API if self.host == HUB else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its name or address."""
        name = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        return is_loopback(name.strip("[]"))

    def __str__(self) -> str:
        return self.host


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A repository of a registry; it knows its own API paths and scope."""

    registry: Registry
    name: str
    """The path, Docker Hub's ``library/`` included."""

    def manifest_path(self, which: str | Digest) -> str:
        """``/v2/<name>/manifests/<tag or digest>``."""
        return f"/v2/{self.name}/manifests/{which}"

    def blob_path(self, digest: Digest) -> str:
        """``/v2/<name>/blobs/<digest>``."""
        return f"/v2/{self.name}/blobs/{digest}"

    def referrers_path(self, subject: Digest) -> str:
        """``/v2/<name>/referrers/<digest>``."""
        return f"/v2/{self.name}/referrers/{subject}"

    @property
    def uploads_path(self) -> str:
        """``/v2/<name>/blobs/uploads/``."""
        return f"/v2/{self.name}/blobs/uploads/"

    def scope(self, *actions: str) -> str:
        """The scope that a token needs for ``pull``, ``push`` or both."""
        return f"repository:{self.name}:{','.join(actions)}"

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository, and one thing in it by tag, by digest or by both."""

    repository: Repository
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as it is written anywhere; raises `InvalidReference` that says what is wrong.

        Docker Hub's short forms are filled out: ``alpine`` is ``docker.io/library/alpine``. No tag is made up. An
        upper-case first part, such as ``Acme/app``, is a slip and not a host name.
        """
        _reject_at_sight(text)
        rest, at, digest_text = text.partition("@")
        head, slash, last = rest.rpartition("/")
        name, colon, tag = last.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise InvalidReference(text, _tag_reason(tag), hint=_placeholder(tag))
        repository = _repository(text, f"{head}{slash}{name}")
        if not at:
            return cls(repository, tag)
        try:
            return cls(repository, tag, Digest.parse(digest_text))
        except InvalidDigest as error:
            raise InvalidReference(text, f"behind the @ {error.reason}", hint=_placeholder(digest_text)) from None

    @property
    def which(self) -> str | Digest:
        """What to ask the registry for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: Digest) -> Self:
        """The same reference, pinned."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def _repository(text: str, path: str) -> Repository:
    first, slash, rest = path.partition("/")
    if slash and (any(c in first for c in ".:[") or first == "localhost"):
        registry, name = _registry(text, first), rest
    else:
        registry, name = Registry(HUB), path
    _check_name(text, name)
    if registry.host == HUB and "/" not in name:
        name = f"library/{name}"
    if len(name) > _MAX_NAME:
        raise InvalidReference(text, f"the repository's name is longer than {_MAX_NAME} characters")
    return Repository(registry, name)


def _registry(text: str, host: str) -> Registry:
    try:
        return Registry.parse(host)
    except InvalidReference as error:
        raise InvalidReference(text, f"{host!r} is no registry: {error.reason}", hint=_placeholder(host)) from None


def _check_name(text: str, name: str) -> None:
    if not name:
        raise InvalidReference(text, "the repository's name is missing")
    if _HEX_ID.fullmatch(name):
        raise InvalidReference(text, "64 hexadecimal digits are an image's ID, not a repository")
    for component in name.split("/"):
        if _COMPONENT.fullmatch(component):
            continue
        if found := _placeholder(component):
            raise InvalidReference(text, f"{component!r} is no part of a repository's name", hint=found)
        if _COMPONENT.fullmatch(component.lower()):
            lower = text.replace(name, name.lower(), 1)
            raise InvalidReference(text, "a repository's name is in lower case", hint=f"did you mean {lower}?")
        raise InvalidReference(text, _component_reason(component))


def _component_reason(component: str) -> str:
    if not component:
        return "there is an empty part between two slashes"
    if ":" in component:
        return f"{component!r} has a colon, which stands only before a port or a tag"
    return (
        f"{component!r} is no part of a repository's name: it takes a-z and 0-9, with single . - or _ (or __) between"
    )


def _tag_reason(tag: str) -> str:
    if not tag:
        return "the tag behind the colon is empty"
    if ":" in tag:
        return f"there are two tags, {' and '.join(tag.split(':'))}; a reference has one"
    if len(tag) > 128:
        return "the tag is longer than 128 characters"
    return f"{tag!r} is no tag: it takes A-Z a-z 0-9 _ . - and begins with none of . and -"


def _reject_at_sight(text: str) -> None:
    """The mistakes whose shape tells more than a parser could."""
    if not text:
        raise InvalidReference(text, "it is empty")
    if text.startswith("[") and "/" not in text:
        raise InvalidReference(text, "it names a registry, and no repository in it")
    before, at, behind = text.rpartition("@")
    if at and ":" in before and not _LIKE_DIGEST.fullmatch(behind):
        # What stands before the @ may be a password: it is not repeated.
        reason = "what stands behind the @ is no digest, and before it stands no user name and password"
        raise InvalidReference(f"…@{behind}"[:80], reason)
    if len(text) > 1024:
        raise InvalidReference(text[:60] + "…", "it is longer than any reference can be")
    if text != text.strip() or re.search(r"\s", text):
        raise InvalidReference(text, "it has white space", hint=_placeholder(text))
    if scheme := re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text):
        hint = f"write it without {scheme[0]}"
        if scheme[1].lower() == "http":
            hint += " and pass --plain-http"
        raise InvalidReference(text, "a reference has no URL scheme", hint=hint)


def _placeholder(text: str) -> str:
    found = _PLACEHOLDER.search(text[:1024])
    return f"{found[0]} looks like a placeholder that was never filled in" if found else ""


def _is_dns(host: str) -> bool:
    """Whether a name fits into the DNS, and means something where it is encoded (RFC 1035 § 2.3.4, RFC 5891)."""
    try:
        return len(host) <= _MAX_HOST and bool(host.encode("ascii").decode("idna" if "xn--" in host else "ascii"))
    except UnicodeError:
        return False


def _ipv6(text: str, address: str) -> str:
    try:
        return IPv6Address(address).compressed
    except AddressValueError:
        raise InvalidReference(text, f"[{address}] is no IPv6 address") from None
