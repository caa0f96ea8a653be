"""The README and the pages of docs/ with every output in them made anew: ``make readme`` writes them, and a test holds
them to that.

What a page has: ``console`` blocks, of which each line that begins with ``$`` is run in turn, all of the page in one
`trial`; ``yaml`` blocks below a comment that names a file, which hold that file; and the checks of ``registry test``
below a comment that says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integration.trial import HOST, ROOT, Trial, trial
from manifest_tool.conformance import catalogue

if TYPE_CHECKING:
    from manifest_tool.conformance.check import Group

README = ROOT / "README.md"
_GROUPS = {"writing": catalogue.WRITING, "reading": catalogue.READING}
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*$", re.MULTILINE)
_FILE = re.compile(r"(^<!-- (specs/\S+) -->\n```yaml\n).*?(^```$)", re.MULTILINE | re.DOTALL)
_CHECKS = re.compile(r"(^<!-- checks: (writing|reading) -->\n).*?(^<!-- end -->$)", re.MULTILINE | re.DOTALL)
_PROGRESS = re.compile(r"^(?:copied|found|mounted|present|published|tried) .*\n", re.MULTILINE)


def main() -> None:
    """Write every page."""
    for page in PAGES:
        page.write_text(refreshed(page.read_text()))


def refreshed(text: str) -> str:
    """The text with the files and the outputs as they are now."""
    text = _FILE.sub(lambda found: found[1] + (ROOT / found[2]).read_text() + found[3], text)
    text = _CHECKS.sub(lambda found: found[1] + "".join(_checks(_GROUPS[found[2]])) + found[3], text)
    with trial() as place:
        session = _Session(place)
        return _BLOCK.sub(lambda found: "".join(["```console\n", *session.told(found[1]), "```"]), text)


def _checks(groups: Iterable[Group]) -> Iterator[str]:
    for group in groups:
        yield f"\n**{group.title}**\n\n"
        for check in group.checks:
            yield f"- `{check.id}`: {check.title}{' (needed)' if check.needed else ''}\n"
    yield "\n"


@dataclass(slots=True)
class _Session:
    """A shell that remembers how the last command ended."""

    place: Trial
    code: int = 0

    def told(self, block: str) -> Iterator[str]:
        """Each command of a block, and what it prints."""
        for command in _COMMAND.findall(block):
            yield f"{command}\n{self._output(command.removeprefix('$ '))}"

    def _output(self, command: str) -> str:
        """What stays on a terminal: the progress goes when the command ends."""
        done = self.place.run(f"(exit {self.code}); {command}")
        self.code = done.returncode
        output = _PROGRESS.sub("", done.stderr) + done.stdout
        return output.replace(self.place.host, HOST).rstrip("\n") + "\n" if output else ""


if __name__ == "__main__":
    main()
