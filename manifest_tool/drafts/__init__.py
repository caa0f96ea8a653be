"""Drafts: specs that the program keeps while a list is put together, as ``docker manifest`` keeps its own."""
