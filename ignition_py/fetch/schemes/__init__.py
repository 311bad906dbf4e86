"""URL schemes other than http(s), one module each with `stream(request)`."""
