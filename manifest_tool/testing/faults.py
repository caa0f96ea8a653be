"""What a registry or a network may do wrong, for ``registry.faults.add``."""

from manifest_tool.server.actions import (
    Answer,
    Body,
    Chunked,
    Close,
    Damage,
    Delay,
    Drip,
    Gzip,
    Headers,
    Length,
    NoMount,
    PhantomMount,
    Reset,
    content_type,
    digest_header,
)
from manifest_tool.server.faults import Action, Fault, Faults

__all__ = (
    "Action",
    "Answer",
    "Body",
    "Chunked",
    "Close",
    "Damage",
    "Delay",
    "Drip",
    "Fault",
    "Faults",
    "Gzip",
    "Headers",
    "Length",
    "NoMount",
    "PhantomMount",
    "Reset",
    "content_type",
    "digest_header",
)
