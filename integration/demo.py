"""What the tool does, shown on a registry of its own: ``make demo``."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.request import ProxyHandler, Request, build_opener

from integration.trial import Trial, trial
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from types import FrameType


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and why it is shown."""

    says: str
    command: str
    answer: Mapping[str, object] | None = None
    """What has to stand in the JSON that it prints."""


STEPS = (
    Step(
        "A spec names the reference to publish and the images that it is made of.",
        "cat specs/release.yaml",
    ),
    Step(
        "One command publishes it. The images lie in repositories of their own; their blobs are mounted, not copied.",
        "manifest-tool push from-spec specs/release.yaml",
    ),
    Step(
        "Run again, it finds everything in place. The same line comes out, and nothing is written.",
        "manifest-tool push from-spec specs/release.yaml",
    ),
    Step(
        "Images of one repository: nothing has to move, and their configs tell the platforms.",
        "manifest-tool push from-spec specs/same-repository.yaml",
    ),
    Step(
        "An OCI image index with annotations, told as JSON.",
        "manifest-tool push from-spec specs/annotated.yaml --type oci --format json",
        {"dryRun": False, "written": ["3.1"]},
    ),
    Step(
        'The same again: "written" is empty, as every tag points to this index already.',
        "manifest-tool push from-spec specs/annotated.yaml --type oci --format json",
        {"dryRun": False, "written": []},
    ),
    Step(
        "Sources that are indexes with attestations, as BuildKit pushes them.",
        "manifest-tool push from-spec specs/attested.yaml --type oci",
    ),
    Step(
        "How this project's own image is published.",
        "manifest-tool push from-spec specs/manifest-tool.yaml --type oci",
    ),
    Step(
        "What lies there now: two attestations came along, each with the image that it is about.",
        "manifest-tool inspect localhost:5000/acme/api:1.0",
    ),
    Step(
        "Without a spec: a template names the images.",
        "manifest-tool push from-args --platforms linux/amd64,linux/arm64,linux/arm/v7"
        " --template localhost:5000/acme/tool:2.0-ARCHVARIANT --target localhost:5000/acme/tool:2 --tags latest",
    ),
    Step(
        "What would be published, to the byte; nothing is written.",
        "manifest-tool push from-spec specs/same-repository.yaml --dry-run",
    ),
    Step(
        "An index as a tree: what its platforms hold, and what they share.",
        "manifest-tool inspect localhost:5000/acme/tool:2 --format tree",
    ),
    Step(
        "An index as an object, for programs.",
        "manifest-tool inspect localhost:5000/acme/web:3.1 --format json",
        {"schemaVersion": 1},
    ),
    Step(
        "Which platforms images support, in one line each.",
        "manifest-tool query localhost:5000/acme/tool:2 localhost:5000/acme/web:3.1 --no-cache",
    ),
    Step(
        "The way of docker manifest: a list is begun, with an image that has attestations among the others.",
        "manifest-tool manifest create localhost:5000/acme/tool:3 localhost:5000/acme/api-amd64:1.0"
        " localhost:5000/acme/tool:2.0-arm64 localhost:5000/acme/tool:2.0-armv7",
    ),
    Step(
        "The platform of one of them is corrected.",
        "manifest-tool manifest annotate localhost:5000/acme/tool:3 localhost:5000/acme/tool:2.0-armv7 --variant v6",
    ),
    Step(
        "The draft is a spec.",
        "manifest-tool manifest export localhost:5000/acme/tool:3",
    ),
    Step(
        "It goes the way that every push goes.",
        "manifest-tool manifest push --purge localhost:5000/acme/tool:3",
    ),
    Step(
        "What lies there now, as docker manifest inspect shows it.",
        "manifest-tool manifest inspect localhost:5000/acme/tool:3",
    ),
)


def main() -> int:
    """Show everything; 0 where all of it went well."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with trial() as place:
            say(f"A registry runs at {place.host} for as long as this takes; sample images are in it.")
            failed = [step.command for step in STEPS if not show(step, place)]
            say("\n# What lies there now, read with plain HTTP.\n")
            for line in inventory(place.host):
                say(line)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    say("\nThe registry has stopped." + "".join(f"\nFAILED: {command}" for command in failed))
    return 1 if failed else 0


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """End as on Ctrl-C, so that the registry is stopped."""
    sys.exit(128 + number)


def show(step: Step, place: Trial) -> bool:
    """Run one command as a person would; whether it did what it should."""
    say("\n" + textwrap.fill(step.says, 110, initial_indent="# ", subsequent_indent="# "))
    say(f"$ {place.here(step.command)}")
    done = place.run(step.command)
    say((done.stderr + done.stdout).rstrip("\n"))
    return done.returncode == 0 and (step.answer is None or step.answer.items() <= json.loads(done.stdout).items())


def inventory(host: str) -> Iterator[str]:
    """Every repository: its tags, and the platforms of each index."""
    for repository in _get(host, "_catalog")["repositories"]:
        tags: dict[str, list[str]] = {}
        for tag in _get(host, f"{repository}/tags/list")["tags"]:
            lines = "\n".join(_contents(_get(host, f"{repository}/manifests/{tag}")))
            tags.setdefault(lines, []).append(tag)
        for lines, names in tags.items():
            yield f"{repository}:{{{','.join(names)}}}  {lines}" if names[1:] else f"{repository}:{names[0]}  {lines}"


def _contents(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What it is, and for an index a line for each entry."""
    media_type = manifest["mediaType"]
    yield {types.DOCKER_LIST: "Docker manifest list", types.OCI_INDEX: "OCI image index"}.get(media_type, "image")
    for entry in manifest.get("manifests", ()):
        platform = entry["platform"]
        parts = (platform.get(key, "") for key in ("os", "architecture", "variant"))
        about = entry.get("annotations", {}).get("vnd.docker.reference.digest", "")
        name = f"attestation for {about[:19]}" if about else "/".join(filter(None, parts))
        yield f"    {entry['digest'][:19]}  {name}"


def _get(host: str, path: str) -> dict[str, Any]:
    request = Request(f"http://{host}/v2/{path}", headers={"Accept": types.ACCEPT})
    with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
        found: dict[str, Any] = json.load(response)
        return found


def say(text: str) -> None:
    """Print at once, for the commands print beside us."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
