"""Pure values of the OCI image-spec and distribution-spec; standard library only."""
