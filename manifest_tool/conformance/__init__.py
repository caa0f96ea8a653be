"""The conformance run: what a registry does of what the distribution-spec asks for, and what that means for a push."""
