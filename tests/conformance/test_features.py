"""What results mean for a push, and the one line that says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from manifest_tool.conformance import catalogue, features
from manifest_tool.conformance.check import Check, Group
from manifest_tool.conformance.result import Feature, Outcome, Report, Result

PASS, FAIL, UNSUPPORTED, UNTRIED = Outcome
_WORKS, _FAILS = "what manifest-tool needs works here", "what manifest-tool needs does not work here"


def _results(groups: tuple[Group, ...], /, **other: Outcome | str) -> list[Result]:
    """Every check passes at once, but for these; a text is what a pass tells."""
    checks = [check for group in groups for check in group.checks]
    assert {name.replace("_", "-") for name in other} <= {check.id for check in checks}
    return [_result(check, other.get(check.id.replace("-", "_"), "at once")) for check in checks]


def _result(check: Check, outcome: Outcome | str) -> Result:
    if isinstance(outcome, Outcome):
        return Result(check.id, "", check.title, outcome, needed=check.needed)
    return Result(check.id, "", check.title, PASS, outcome, needed=check.needed)


def _report(groups: tuple[Group, ...] = catalogue.WRITING, /, **other: Outcome | str) -> Report:
    results = _results(groups, **other)
    return Report("example.com/acme", results, features.of(results))


def _lacking(report: Report) -> dict[str, str]:
    return {feature.name: feature.otherwise for feature in report.features if feature.works is False}


@pytest.mark.parametrize("groups", [catalogue.WRITING, catalogue.READING], ids=["writing", "reading"])
def test_every_feature_works_where_every_check_passes(groups: tuple[Group, ...]) -> None:
    report = _report(groups)
    assert {feature.works for feature in report.features} == {True}
    assert len({feature.name for feature in report.features}) == len(report.features) > 5
    assert report.sufficient
    assert features.summary(report) == _WORKS


def test_a_registry_that_asks_for_no_token_has_no_feature_that_was_not_tried() -> None:
    report = _report(token_scopes=UNTRIED)
    assert features.summary(report) == _WORKS


def test_nothing_is_known_where_nothing_was_tried() -> None:
    results = [Result(name, "", "", UNTRIED) for name in ("blob-put", "mount-cross", "tag-move")]
    assert features.of(results) == (
        Feature("mount blobs", works=None),
        Feature("upload blobs", works=None),
        Feature("move a tag", works=None),
    )


@pytest.mark.parametrize(
    ("check", "outcome", "feature", "otherwise"),
    [
        ("manifest_head", UNSUPPORTED, "look for manifests by HEAD", "manifests are looked for by GET"),
        ("manifest_head", FAIL, "look for manifests by HEAD", "manifests that are there are pushed again"),
        ("digest_header", UNSUPPORTED, "take digests from the registry", "digests are computed from what is read"),
        ("blob_head", UNSUPPORTED, "look for blobs by HEAD", "blobs that are there are uploaded again"),
        ("mount_cross", UNSUPPORTED, "mount blobs", "blobs are copied, not mounted"),
        ("mount_usable", FAIL, "mount blobs", "blobs are copied, not mounted"),
        ("token_scopes", UNSUPPORTED, "use one token for all repositories", "a token is requested for each repository"),
        ("blob_range", UNSUPPORTED, "resume downloads", "interrupted downloads start over"),
        ("blob_resume", UNSUPPORTED, "resume uploads", "interrupted uploads start over"),
        ("blob_resume", FAIL, "resume uploads", "an interrupted upload may fail"),
        ("blob_cancel", UNSUPPORTED, "cancel uploads", "unneeded uploads are left to expire"),
        ("list_docker", UNSUPPORTED, "publish a Docker manifest list", "every push needs --type oci"),
        ("index_oci", FAIL, "publish an OCI index", "--type oci cannot be used"),
        (
            "list_attestation",
            UNSUPPORTED,
            "list attestations in a Docker manifest list",
            "attestations need --type oci",
        ),
        ("tag_move", UNSUPPORTED, "move a tag", "tags cannot be moved: each version needs a new one"),
        (
            "visible_tag",
            "after 0.8 s",
            "read a new tag at once",
            "a push ends before its tags can be read everywhere (after 0.8 s)",
        ),
        ("visible_tag", FAIL, "read a new tag at once", "a push ends before its tags can be read everywhere"),
        (
            "visible_index",
            "after 1.5 s, attempt 3",
            "push an index right after its images",
            "the index is pushed again until the registry sees its images (after 1.5 s, attempt 3)",
        ),
        ("referrers_subject", UNSUPPORTED, "list referrers", "referrers are listed under a tag (tag schema)"),
        ("referrers_artifact", FAIL, "list referrers", "referrers are pushed, but may not be listed"),
    ],
)
def test_a_push_falls_back(check: str, outcome: Outcome | str, feature: str, otherwise: str) -> None:
    report = _report(**{check: outcome})
    assert _lacking(report) == {feature: otherwise}
    assert report.sufficient
    assert features.summary(report) == f"{_WORKS}; {otherwise}"


def test_an_interrupted_run_claims_nothing() -> None:
    report = replace(_report(), interrupted=True)
    assert features.summary(report) == "the run was interrupted"
    report = replace(_report(blob_put=FAIL), interrupted=True)
    assert features.summary(report).startswith(f"the run was interrupted; {_FAILS}: blob-put")


def test_how_late_tags_are_is_told_once() -> None:
    report = _report(visible_tag="after 0.7 s", visible_readers="after 0.7 s")
    assert features.summary(report).endswith("read everywhere (after 0.7 s)")


@pytest.mark.parametrize(
    ("check", "outcome", "feature"),
    [
        ("digest_header", FAIL, "take digests from the registry"),
        ("blob_head", FAIL, "look for blobs by HEAD"),
        ("tag_move", FAIL, "move a tag"),
        ("visible_index", FAIL, "push an index right after its images"),
    ],
)
def test_nothing_helps_against_what_is_done_wrongly(check: str, outcome: Outcome, feature: str) -> None:
    report = _report(**{check: outcome})
    assert _lacking(report) == {feature: ""}
    assert not report.sufficient
    assert features.summary(report) == f"{_FAILS}: {feature}"


@pytest.mark.parametrize("check", ["manifest_put", "manifest_bytes", "manifest_put_digest", "tag_several", "blob_put"])
@pytest.mark.parametrize("outcome", [FAIL, UNSUPPORTED])
def test_what_is_needed_has_to_pass(check: str, outcome: Outcome) -> None:
    report = _report(**{check: outcome})
    assert not report.sufficient
    assert features.summary(report).startswith(f"{_FAILS}: {check.replace('_', '-')}")


def test_one_kind_of_index_is_enough_and_none_is_not() -> None:
    assert _report(list_docker=UNSUPPORTED, list_attestation=UNTRIED, list_oci_children=UNSUPPORTED).sufficient
    assert _report(index_oci=FAIL, index_attestation=UNTRIED, index_docker_children=UNSUPPORTED).sufficient
    for other in (UNSUPPORTED, FAIL, UNTRIED):
        assert not _report(index_oci=FAIL, list_docker=other).sufficient


def test_referrers_that_nothing_can_list_keep_no_push_from_working() -> None:
    report = _report(referrers_subject=UNSUPPORTED, referrers_tag_schema=FAIL)
    assert _lacking(report) == {"list referrers": "referrers are pushed, but not listed"}
    assert report.sufficient


def test_attestations_that_no_index_takes_are_left_out() -> None:
    report = _report(list_attestation=UNSUPPORTED, index_attestation=UNSUPPORTED)
    assert set(_lacking(report).values()) == {"attestations have to be left out: name each image by its own digest"}


def test_a_summary_says_each_thing_once_and_counts_the_rest() -> None:
    report = _report(
        mount_cross=UNSUPPORTED,
        mount_usable=UNTRIED,
        list_attestation=UNSUPPORTED,
        index_attestation=UNSUPPORTED,
        tag_move=UNTRIED,
        index_large=UNTRIED,
    )
    assert features.summary(report) == (
        f"{_WORKS}; blobs are copied, not mounted;"
        " attestations have to be left out: name each image by its own digest; 2 features not tried"
    )


def test_an_index_of_what_is_not_there_is_not_enough_to_read_from() -> None:
    assert not _report(catalogue.READING, read_children=FAIL).sufficient
    assert not _report(catalogue.READING, read_config=FAIL).sufficient
    assert _report(catalogue.READING, read_config=UNTRIED).sufficient
