"""Which platforms an index may carry: the Go language's systems and architectures, the image-spec's variants."""

from __future__ import annotations

import re
from difflib import get_close_matches

OPERATING_SYSTEMS = frozenset(
    {
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "netbsd",
        "openbsd", "plan9", "solaris", "wasip1", "windows", "zos",
        "wasi",  # not in Go's list, but what buildx names WebAssembly images
    }
)  # fmt: skip

ARCHITECTURES = frozenset(
    {
        "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
        "riscv64", "s390x", "sparc64", "wasm",
    }
)  # fmt: skip

# image-spec, image-index.md § Platform Variants; v5 is no longer in its table but still in Debian's images.
_VARIANTS = {
    "amd64": "v1|v2|v3|v4",
    "arm": "v5|v6|v7|v8",
    "arm64": r"v8(?:\.[0-9])?|v9(?:\.[0-9])?",
    "ppc64": "power8|power9|power10|power11",
    "ppc64le": "power8|power9|power10|power11",
    "riscv64": "rva20u64|rva22u64|rva23u64",
}

DEFAULT = {"amd64": "v1", "arm": "v7", "arm64": "v8"}
"""The variant that runtimes read where none is given."""


def problem(os: str, architecture: str, variant: str) -> str:
    """Why there is no such platform, or an empty text."""
    if os not in OPERATING_SYSTEMS:
        return _unknown("os", os, sorted(OPERATING_SYSTEMS), "linux, windows, darwin, …")
    if architecture not in ARCHITECTURES:
        return _unknown("architecture", architecture, sorted(ARCHITECTURES), "amd64, arm64, arm, 386, ppc64le, …")
    pattern = _VARIANTS.get(architecture, "")
    if variant and not re.fullmatch(pattern, variant):
        names = re.sub(r"\(\?:\\\.\[0-9\]\)\?", "", pattern).split("|") if pattern else []
        return _unknown(f"variant of {architecture}", variant, names, ", ".join(names) or "none")
    return ""


def _unknown(what: str, value: str, names: list[str], examples: str) -> str:
    near = get_close_matches(value, names, 1, 0.5) or [name for name in names if name in value]
    tip = f"did you mean {near[0]}?" if near else f"expected {examples}"
    return f"unknown {what} {value!r}; {tip}"
