"""The declarative input: a YAML document, or arguments that expand into one."""
