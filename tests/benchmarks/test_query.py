"""The load on a service, made small: what it asks a registry, and no times."""

from __future__ import annotations

from benchmarks.query import Load, measure


def test_each_image_is_asked_for_once_however_often_it_is_asked_for() -> None:
    figures = measure(Load(requests=60, connections=10, images=6, latency=0.02))
    assert (figures.asked, figures.burst, len(figures.times)) == (6, 1, 60)
    assert "  requests to the registry  6\n" in str(figures)
