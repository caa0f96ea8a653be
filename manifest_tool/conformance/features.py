"""What the results mean for a push: which of its features work on this registry, and what the others fall back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifest_tool.conformance.result import Feature, Outcome, Report, Result
from manifest_tool.conformance.waiting import AT_ONCE


@dataclass(frozen=True, slots=True)
class _Rule:
    """A feature, and what becomes of a push where the registry lacks it; an empty text: it fails."""

    name: str
    checks: tuple[str, ...]
    """All have to pass."""
    lacking: str = ""
    """Where the registry shows that it does not do this."""
    wrong: str | None = None
    """Where it does this wrongly; none: the same."""
    given: str = ""
    """A check without whose pass a push fails all the same, or does what ``else_`` says."""
    else_: str = ""
    open: bool = False
    """Whether there is nothing to tell where it is not tried."""
    timed: bool = False
    """Whether the checks tell how long it took, and what takes its time is lacking."""


_BY_GET = "manifests are looked for by GET"
_COMPUTED = "digests are computed from what is read"
_ANEW = "interrupted downloads start over"
_MAY_FAIL = "an interrupted download may fail"
_AGAIN = "blobs that are there are uploaded again"
_ONLY_OCI = "only OCI images can be published"
_TAG_SCHEMA = "referrers are listed under a tag (tag schema)"

_RULES = (
    # In the order in which a push comes to them.
    _Rule(
        "use one token for all repositories", ("token-scopes",), "a token is requested for each repository", open=True
    ),
    _Rule("read manifests by tag and by digest", ("manifest-bytes",)),
    _Rule("look for manifests by HEAD", ("manifest-head",), _BY_GET, wrong="manifests that are there are pushed again"),
    _Rule("take digests from the registry", ("digest-header",), _COMPUTED, wrong=""),
    _Rule("resume downloads", ("blob-range",), _ANEW, wrong=_MAY_FAIL),
    _Rule("look for blobs by HEAD", ("blob-head",), _AGAIN, wrong="", given="blob-again"),
    _Rule("mount blobs", ("mount-cross", "mount-usable"), "blobs are copied, not mounted"),
    _Rule("upload blobs", ("blob-put",)),
    _Rule(
        "resume uploads",
        ("blob-resume",),
        "interrupted uploads start over",
        wrong="an interrupted upload may fail",
    ),
    _Rule("cancel uploads", ("blob-cancel",), "unneeded uploads are left to expire"),
    _Rule("push images by digest", ("manifest-put-digest",)),
    _Rule("publish Docker images", ("image-docker",), _ONLY_OCI),
    _Rule("publish a Docker manifest list", ("list-docker",), "every push needs --type oci", given="index-oci"),
    _Rule("publish an OCI index", ("index-oci",), "--type oci cannot be used", given="list-docker"),
    _Rule(
        "list OCI images in a Docker manifest list",
        ("list-oci-children",),
        "OCI images need --type oci",
        given="index-oci",
        else_="only Docker images can be published",
    ),
    _Rule(
        "list Docker images in an OCI index",
        ("index-docker-children",),
        "Docker images cannot be pushed with --type oci",
        given="list-docker",
        else_=_ONLY_OCI,
    ),
    _Rule(
        "mix Docker and OCI images", ("index-mixed",), "all images of an index have to be of one kind, Docker or OCI"
    ),
    _Rule(
        "list attestations in a Docker manifest list",
        ("list-attestation",),
        "attestations need --type oci",
        given="index-attestation",
        else_="attestations have to be left out: name each image by its own digest",
    ),
    _Rule(
        "list attestations in an OCI index",
        ("index-attestation",),
        "attestations have to be left out: name each image by its own digest",
    ),
    _Rule("annotate an index", ("index-annotations",), "an index cannot have annotations"),
    _Rule(
        "set os.version and os.features of a platform",
        ("index-platform",),
        "platforms cannot have os.version and os.features",
    ),
    _Rule("publish an index of 100 images", ("index-large",), "an index has to have fewer than 100 images"),
    _Rule("push a manifest of 3.9 MB", ("manifest-large",), "only smaller manifests can be put"),
    _Rule(
        "push an index right after its images",
        ("visible-index",),
        "the index is pushed again until the registry sees its images",
        wrong="",
        timed=True,
    ),
    _Rule("push several tags", ("tag-several",)),
    _Rule("move a tag", ("tag-move",), "tags cannot be moved: each version needs a new one", wrong=""),
    _Rule(
        "read a new tag at once",
        ("visible-tag", "visible-readers"),
        "a push ends before its tags can be read everywhere",
        timed=True,
    ),
    _Rule(
        "list referrers",
        ("referrers-subject", "referrers-artifact"),
        _TAG_SCHEMA,
        wrong="referrers are pushed, but may not be listed",
        given="referrers-tag-schema",
        else_="referrers are pushed, but not listed",
    ),
    # Where nothing is written.
    _Rule("read the manifest by tag and by digest", ("read-manifest", "read-digest")),
    _Rule("look for the manifest by HEAD", ("read-head",), _BY_GET, wrong="it is taken to be missing"),
    _Rule("take the digest from the registry", ("read-digest-header",), _COMPUTED, wrong=""),
    _Rule("read the images of the index", ("read-children",)),
    _Rule("read platforms from configs", ("read-config",)),
    _Rule("copy the image's blobs", ("read-blobs",), "it cannot be copied to another registry"),
    _Rule("resume downloads", ("read-range",), _ANEW, wrong=_MAY_FAIL),
    _Rule("list referrers by the API", ("read-referrers",), "referrers are looked for under a tag (tag schema)"),
)


def of(results: Sequence[Result]) -> tuple[Feature, ...]:
    """The features that these checks tell of, in the order in which a push comes to them."""
    found = {result.id: result for result in results}
    features = ((rule, _feature(rule, found)) for rule in _RULES if not found.keys().isdisjoint(rule.checks))
    return tuple(feature for rule, feature in features if feature.works is not None or not rule.open)


def summary(report: Report) -> str:
    """Whether a push works here, and what it falls back to, on one line."""
    lacking = f"does not work here: {', '.join(report.lacking)}"
    clauses = ["the run was interrupted"] if report.interrupted else []
    if report.lacking or not report.interrupted:
        clauses.append(f"what manifest-tool needs {lacking if report.lacking else 'works here'}")
    clauses += dict.fromkeys(feature.otherwise for feature in report.features if feature.otherwise)
    if untried := sum(feature.works is None for feature in report.features):
        clauses.append(f"{untried} {'feature' if untried == 1 else 'features'} not tried")
    return "; ".join(clauses)


def _feature(rule: _Rule, found: Mapping[str, Result]) -> Feature:
    outcomes = {found[name].outcome if name in found else Outcome.UNTRIED for name in rule.checks}
    if Outcome.FAIL in outcomes:
        return Feature(
            rule.name,
            works=False,
            otherwise=_otherwise(rule, rule.lacking if rule.wrong is None else rule.wrong, found),
        )
    if Outcome.UNSUPPORTED in outcomes:
        return Feature(rule.name, works=False, otherwise=_otherwise(rule, rule.lacking, found))
    if Outcome.UNTRIED in outcomes:
        return Feature(rule.name, None)
    details = dict.fromkeys(found[name].detail for name in rule.checks if rule.timed)
    late = [detail for detail in details if detail != AT_ONCE]
    return Feature(rule.name, not late, f"{rule.lacking} ({', '.join(late)})" if late else "")


def _otherwise(rule: _Rule, text: str, found: Mapping[str, Result]) -> str:
    """What happens then: the text, where what it speaks of works."""
    is_there = not rule.given or (rule.given in found and found[rule.given].outcome is Outcome.PASS)
    return text if is_there else rule.else_
