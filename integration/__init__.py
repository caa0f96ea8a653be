"""What runs against real registries and real clients."""
