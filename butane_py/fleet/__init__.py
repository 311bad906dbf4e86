"""One source for many hosts: variables, includes and inventories, for `butane-py build` and `butane_py.build()`.

    inventory, --vars, --var -> values.py -> scope.py (types, defaults) -> interpolation.py -> passes of the compiler
    include.py -> the same passes for each file -> Ignition's merge -> Result

`butane-py FILE` imports nothing of it. docs/fleet.md describes the language.
"""
