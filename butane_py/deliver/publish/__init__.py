"""Publishing: stores that machines fetch the parts of a config from."""
