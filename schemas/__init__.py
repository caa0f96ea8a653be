"""JSON Schemas of the documents that people write."""
