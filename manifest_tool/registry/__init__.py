"""The wire: everything that speaks to a registry."""
