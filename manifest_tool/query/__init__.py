"""Which platforms an image supports, remembered for a while, and told over HTTP too."""
