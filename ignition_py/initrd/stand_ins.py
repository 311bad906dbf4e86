"""A few lines in place of modules that a dependency imports and no run of the executor uses.

`modules.py` looks no further where it meets one; `stage.py` carries the lines. What is here costs a start nothing and an
initramfs next to nothing; anything else that the dependency could ask of the module fails with an AttributeError.
"""

from __future__ import annotations

from ignition_py.initrd.carried import AUTHORITIES

# Module -> its source, with the reason.
STAND_INS = {
    # requests asks it where the certificate authorities are: where every distribution's own certifi says they are.
    "certifi": f"def where():\n    return {AUTHORITIES!r}\n",
    # requests guesses the encoding of a text with it; contents are bytes here. It wants a version that it knows.
    "charset_normalizer": '__version__ = "3.4.0"\ndef detect(data):\n    return {"encoding": "utf-8"}\n',
    # pyparted counts cylinders with it.
    "decimal": "Decimal = None\n",
    # urllib3 asks which version of h2 there is, for HTTP/2 when a program wants that.
    "importlib.metadata": "version = None\n",
    # requests looks for certificate authorities inside archives when the file that it was given is not there.
    "zipfile": "def is_zipfile(file):\n    return False\n",
}
