"""``python -m manifest_tool``."""

from manifest_tool.cli.app import main

if __name__ == "__main__":
    main()
