"""Publish one reference over container images built for many platforms."""

__version__ = "0.1.0"
