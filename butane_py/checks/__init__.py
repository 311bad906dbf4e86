"""The compiler's own checks: before translation, after it, and what a variant forbids. Those of the output are Ignition's."""
