"""Sugar that makes whole entries of the output, one file a piece. Each takes and returns the Ignition config so far."""
