"""How long pushes take, and how many round trips, at an emulated distance: ``python -m benchmarks``."""
