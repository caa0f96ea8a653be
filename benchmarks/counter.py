"""What a run asked of the network: connections, requests, and round trips that stood one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as it is told in a trace."""

    depth: int
    """The round in which it was sent; a handshake is a round too."""
    connection: int
    method: str
    target: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run came to."""

    connections: int
    requests: int
    rounds: int
    """The most round trips of which each began after the one before had ended."""


@dataclass(slots=True)
class Counter:
    """Takes the events of all connections of a run, in the order in which the client's end of the line sees them.

    What is sent may depend on all that had arrived before. So a request stands one round deeper than the deepest
    answer, or handshake, that had arrived by then, and deeper than the handshake of its own connection.
    """

    asked: list[Asked] = field(default_factory=list)
    _arrived: int = 0
    """The depth of the deepest that has arrived."""
    _handshakes: dict[int, int] = field(default_factory=dict)
    _unanswered: dict[int, list[int]] = field(default_factory=dict)

    def opened(self, connection: int) -> None:
        """The client calls."""
        self._handshakes[connection] = self._arrived + 1
        self._unanswered[connection] = []

    def established(self, connection: int) -> None:
        """The call is answered."""
        self._arrived = max(self._arrived, self._handshakes[connection])

    def sent(self, connection: int, method: str, target: str) -> None:
        """The client sends a request."""
        depth = 1 + max(self._arrived, self._handshakes[connection])
        self.asked.append(Asked(depth, connection, method, target))
        self._unanswered[connection].append(depth)

    def answered(self, connection: int) -> None:
        """The client has the whole answer to the oldest request of a connection."""
        if self._unanswered[connection]:
            self._arrived = max(self._arrived, self._unanswered[connection].pop(0))

    def counts(self) -> Counts:
        """The sum so far."""
        depths = [asked.depth for asked in self.asked]
        return Counts(len(self._handshakes), len(depths), max(depths, default=0))
